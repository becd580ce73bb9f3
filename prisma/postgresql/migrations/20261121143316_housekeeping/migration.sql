-- DropIndex
DROP INDEX "outbox_finished_at_idx";

-- CreateTable
CREATE TABLE "leases" (
    "id" TEXT NOT NULL,
    "holder" TEXT NOT NULL,
    "expires_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "leases_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "outbox_state_finished_at_idx" ON "outbox"("state", "finished_at");
