-- AlterTable
ALTER TABLE "users" ADD COLUMN "disabled_count" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "deleted_accounts" ADD COLUMN "disabled_count" INTEGER NOT NULL DEFAULT 0;

-- Whatever was mailed before an account was disabled stays void, whichever statement disabled the account.
CREATE TRIGGER "void_mails_of_disabled" AFTER UPDATE OF "disabled_at" ON "users"
WHEN NEW."disabled_at" IS NOT NULL
BEGIN
  UPDATE "users" SET "disabled_count" = "disabled_count" + 1 WHERE "id" = NEW."id";
  DELETE FROM "notices" WHERE "user_id" = NEW."id";
END;

UPDATE "users" SET "disabled_count" = 1 WHERE "disabled_at" IS NOT NULL;
DELETE FROM "notices" WHERE "user_id" IN (SELECT "id" FROM "users" WHERE "disabled_at" IS NOT NULL);
