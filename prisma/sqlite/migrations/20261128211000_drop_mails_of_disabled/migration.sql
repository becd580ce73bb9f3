-- A mail that waits is written when it is sent: after the account was enabled again, its link would be good.
DROP TRIGGER "void_mails_of_disabled";

CREATE TRIGGER "void_mails_of_disabled" AFTER UPDATE OF "disabled_at" ON "users"
WHEN NEW."disabled_at" IS NOT NULL
BEGIN
  UPDATE "users" SET "disabled_count" = "disabled_count" + 1 WHERE "id" = NEW."id";
  DELETE FROM "notices" WHERE "user_id" = NEW."id";
  DELETE FROM "outbox" WHERE "user_id" = NEW."id" AND "state" IN ('queued', 'joined');
END;
