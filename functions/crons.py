"""What the school does by the clock."""

from functions import upkeep
from reactor import cron_jobs

crons = cron_jobs()

# An attempt whose server died has nobody who tries again: the request would be in review for ever.
crons.interval("take up reviews that were left", {"minutes": 10}, upkeep.take_up_left_reviews)
crons.daily("forget old sign-ins", {"hour_utc": 3, "minute_utc": 30}, upkeep.forget_old_sign_ins)
