-- AlterTable
ALTER TABLE "users" ADD COLUMN "claims" TEXT;
ALTER TABLE "users" ADD COLUMN "invited_at" DATETIME;
ALTER TABLE "users" ADD COLUMN "unlocked_at" DATETIME;

-- AlterTable
ALTER TABLE "deleted_accounts" ADD COLUMN "claims" TEXT;

-- AlterTable
ALTER TABLE "events" ADD COLUMN "actor" TEXT;
ALTER TABLE "events" ADD COLUMN "position" BIGINT;
ALTER TABLE "events" ADD COLUMN "target" TEXT;

-- CreateTable
CREATE TABLE "sequences" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "value" BIGINT NOT NULL
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "scopes" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL,
    "created_by" TEXT NOT NULL,
    "expires_at" DATETIME,
    "last_used_at" DATETIME,
    "revoked_at" DATETIME
);

-- CreateIndex
CREATE INDEX "users_created_at_id_idx" ON "users"("created_at", "id");

-- CreateIndex
CREATE INDEX "events_position_id_idx" ON "events"("position", "id");
