-- AlterTable
ALTER TABLE "users" ADD COLUMN     "claims" TEXT,
ADD COLUMN     "invited_at" TIMESTAMP(3),
ADD COLUMN     "unlocked_at" TIMESTAMP(3);

-- AlterTable
ALTER TABLE "deleted_accounts" ADD COLUMN     "claims" TEXT;

-- AlterTable
ALTER TABLE "events" ADD COLUMN     "actor" TEXT,
ADD COLUMN     "position" BIGINT,
ADD COLUMN     "target" TEXT;

-- CreateTable
CREATE TABLE "sequences" (
    "id" TEXT NOT NULL,
    "value" BIGINT NOT NULL,

    CONSTRAINT "sequences_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "scopes" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "expires_at" TIMESTAMP(3),
    "last_used_at" TIMESTAMP(3),
    "revoked_at" TIMESTAMP(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "users_created_at_id_idx" ON "users"("created_at", "id");

-- CreateIndex
CREATE INDEX "events_position_id_idx" ON "events"("position", "id");
