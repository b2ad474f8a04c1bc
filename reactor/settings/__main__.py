"""`python -m reactor.settings` prints the reference page of the settings."""

import sys

from reactor.settings.reference import reference_page

sys.stdout.write(reference_page())
