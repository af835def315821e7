"""Tables of numbers from files of all kinds."""

from diffeo.data.tables.table import TABLE_OPTIONS as TABLE_OPTIONS
from diffeo.data.tables.table import read_table as read_table
from diffeo.data.tables.table import table as table
