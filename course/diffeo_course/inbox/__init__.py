"""An inbox of hand-ins: found in what a mail client saved, graded, compared, and put into a table."""
