-- AlterTable
ALTER TABLE "users" ADD COLUMN     "secured_at" TIMESTAMP(3),
ADD COLUMN     "secured_notice_at" TIMESTAMP(3);

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "device" TEXT,
ADD COLUMN     "ip" TEXT;

-- AlterTable
ALTER TABLE "outbox" ADD COLUMN     "challenge_id" TEXT,
ADD COLUMN     "device" TEXT,
ADD COLUMN     "ip" TEXT,
ADD COLUMN     "locale" TEXT,
ADD COLUMN     "mentioned_email" TEXT,
ADD COLUMN     "request_id" TEXT,
ADD COLUMN     "user_id" TEXT;

-- CreateTable
CREATE TABLE "events" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "kind" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "ip" TEXT,
    "device" TEXT,
    "request_id" TEXT,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "guesses" (
    "id" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "expires_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "guesses_pkey" PRIMARY KEY ("id")
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
