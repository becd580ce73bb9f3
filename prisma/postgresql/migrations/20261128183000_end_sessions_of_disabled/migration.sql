-- A session of a disabled account is gone for good, whichever statement disabled the account.
CREATE FUNCTION "end_sessions_of_disabled"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "sessions" WHERE "user_id" = NEW."id";
  RETURN NULL;
END;
$$;

CREATE TRIGGER "end_sessions_of_disabled" AFTER UPDATE OF "disabled_at" ON "users"
FOR EACH ROW WHEN (NEW."disabled_at" IS NOT NULL) EXECUTE FUNCTION "end_sessions_of_disabled"();

DELETE FROM "sessions" WHERE "user_id" IN (SELECT "id" FROM "users" WHERE "disabled_at" IS NOT NULL);
