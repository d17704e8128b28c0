"""What every `SyncChecker` must do; its tests inherit this and give a checker and two clips of people who speak."""
