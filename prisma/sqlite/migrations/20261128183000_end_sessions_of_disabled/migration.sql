-- A session of a disabled account is gone for good, whichever statement disabled the account.
CREATE TRIGGER "end_sessions_of_disabled" AFTER UPDATE OF "disabled_at" ON "users"
WHEN NEW."disabled_at" IS NOT NULL
BEGIN
  DELETE FROM "sessions" WHERE "user_id" = NEW."id";
END;

DELETE FROM "sessions" WHERE "user_id" IN (SELECT "id" FROM "users" WHERE "disabled_at" IS NOT NULL);
