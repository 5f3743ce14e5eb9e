"""The supervisor: runs PostgreSQL, the broker, web, worker and beat from one command.

Nothing here may import Django: these modules start what Django needs before it can run. The servers come
from installed packages that are used as carriers of binaries only; their own start-up code is never called,
because one of them, run as root, creates an account and opens every parent folder to others.
"""
