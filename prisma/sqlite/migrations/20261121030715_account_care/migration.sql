-- AlterTable
ALTER TABLE "users" ADD COLUMN "secured_at" DATETIME;
ALTER TABLE "users" ADD COLUMN "secured_notice_at" DATETIME;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN "device" TEXT;
ALTER TABLE "sessions" ADD COLUMN "ip" TEXT;

-- AlterTable
ALTER TABLE "outbox" ADD COLUMN "challenge_id" TEXT;
ALTER TABLE "outbox" ADD COLUMN "device" TEXT;
ALTER TABLE "outbox" ADD COLUMN "ip" TEXT;
ALTER TABLE "outbox" ADD COLUMN "locale" TEXT;
ALTER TABLE "outbox" ADD COLUMN "mentioned_email" TEXT;
ALTER TABLE "outbox" ADD COLUMN "request_id" TEXT;
ALTER TABLE "outbox" ADD COLUMN "user_id" TEXT;

-- CreateTable
CREATE TABLE "events" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "user_id" TEXT,
    "kind" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "ip" TEXT,
    "device" TEXT,
    "request_id" TEXT
);

-- CreateTable
CREATE TABLE "guesses" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "count" INTEGER NOT NULL,
    "expires_at" DATETIME NOT NULL
);

-- CreateIndex
CREATE INDEX "events_user_id_id_idx" ON "events"("user_id", "id");

-- CreateIndex
CREATE INDEX "events_user_id_device_idx" ON "events"("user_id", "device");

-- CreateIndex
CREATE INDEX "events_at_idx" ON "events"("at");

-- CreateIndex
CREATE INDEX "guesses_expires_at_idx" ON "guesses"("expires_at");

-- CreateIndex
CREATE INDEX "outbox_user_id_idx" ON "outbox"("user_id");
