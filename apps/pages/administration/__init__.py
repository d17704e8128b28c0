"""The pages of the admin, one module per thing that moderators look after."""
