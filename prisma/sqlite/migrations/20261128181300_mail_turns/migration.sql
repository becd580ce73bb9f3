-- DropIndex
DROP INDEX "outbox_recipient_created_at_idx";

-- AlterTable
ALTER TABLE "outbox" ADD COLUMN "mail_id" TEXT;

-- CreateTable
CREATE TABLE "mail_turns" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "mail_id" TEXT NOT NULL,
    "last_at" DATETIME,
    "second_at" DATETIME,
    "third_at" DATETIME,
    "expires_at" DATETIME NOT NULL
);

-- CreateIndex
CREATE INDEX "mail_turns_expires_at_idx" ON "mail_turns"("expires_at");

-- CreateIndex
CREATE INDEX "outbox_recipient_state_idx" ON "outbox"("recipient", "state");

-- CreateIndex
CREATE INDEX "outbox_challenge_id_idx" ON "outbox"("challenge_id");

-- CreateIndex
CREATE INDEX "outbox_mail_id_created_at_idx" ON "outbox"("mail_id", "created_at");
