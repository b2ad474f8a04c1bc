"""Every second: enough for a server that is killed all the time."""

from reactor import cron_jobs

from . import work

crons = cron_jobs()
crons.interval("tick", {"seconds": 1}, work.note, text="tick")
crons.interval("act", {"seconds": 1}, work.act, name="cron action")
