"""What verbs of any app send, inside their transaction, after a write that Django's own signals miss.

`bulk_create` and `update()` send no `post_save`; a verb that uses them sends `video_changed` itself.
Received in `apps.search.signals` alone.
"""

from django.dispatch import Signal

video_changed = Signal()  # sender: the verb's module name; video_id: UUID
