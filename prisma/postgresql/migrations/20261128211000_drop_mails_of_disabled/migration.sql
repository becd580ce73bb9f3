-- A mail that waits is written when it is sent: after the account was enabled again, its link would be good.
CREATE OR REPLACE FUNCTION "void_mails_of_disabled"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  NEW."disabled_count" := OLD."disabled_count" + 1;
  DELETE FROM "notices" WHERE "user_id" = NEW."id";
  DELETE FROM "outbox" WHERE "user_id" = NEW."id" AND "state" IN ('queued', 'joined');
  RETURN NEW;
END;
$$;
