-- AlterTable
ALTER TABLE "users" ADD COLUMN     "disabled_count" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "deleted_accounts" ADD COLUMN     "disabled_count" INTEGER NOT NULL DEFAULT 0;

-- Whatever was mailed before an account was disabled stays void, whichever statement disabled the account.
CREATE FUNCTION "void_mails_of_disabled"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  NEW."disabled_count" := OLD."disabled_count" + 1;
  DELETE FROM "notices" WHERE "user_id" = NEW."id";
  RETURN NEW;
END;
$$;

CREATE TRIGGER "void_mails_of_disabled" BEFORE UPDATE OF "disabled_at" ON "users"
FOR EACH ROW WHEN (NEW."disabled_at" IS NOT NULL) EXECUTE FUNCTION "void_mails_of_disabled"();

UPDATE "users" SET "disabled_count" = 1 WHERE "disabled_at" IS NOT NULL;
DELETE FROM "notices" WHERE "user_id" IN (SELECT "id" FROM "users" WHERE "disabled_at" IS NOT NULL);
