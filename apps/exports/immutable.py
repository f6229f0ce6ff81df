"""A finished export cannot change, whoever writes to its row: a trigger of the database refuses it.

`requested_by` may become null when the user's account is deleted.
"""

from __future__ import annotations

_FROZEN = ("status", "project_id", "format", "container", "policy", "rows", "bytes", "sha256", "manifest", "parts")
_OLD = ", ".join(f"OLD.{column}" for column in _FROZEN)
_NEW = ", ".join(f"NEW.{column}" for column in _FROZEN)

CREATE_TRIGGER = f"""
CREATE FUNCTION exports_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'export % is finished and cannot change', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER finished_export_is_immutable BEFORE UPDATE ON exports_export FOR EACH ROW
WHEN (OLD.status = 'finished' AND ({_OLD}) IS DISTINCT FROM ({_NEW})) EXECUTE FUNCTION exports_refuse_change();
"""
DROP_TRIGGER = """
DROP TRIGGER finished_export_is_immutable ON exports_export;
DROP FUNCTION exports_refuse_change();
"""
