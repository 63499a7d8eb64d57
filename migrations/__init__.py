"""The schema as numbered plain SQL, applied once each and in order by utils/migrate.py."""
