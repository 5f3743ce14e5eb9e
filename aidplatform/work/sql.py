"""SQL functions of the infrastructure, installed by migrations."""

# The business clock. STABLE and built on now(): one transaction sees one time.
CLOCK = """
CREATE OR REPLACE FUNCTION aid_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT coalesce(clock_at, now() + coalesce(clock_offset, interval '0')) FROM public.work_installation),
        now())
$$;
REVOKE ALL ON FUNCTION aid_now() FROM PUBLIC;
"""
DROP_CLOCK = "DROP FUNCTION aid_now()"
