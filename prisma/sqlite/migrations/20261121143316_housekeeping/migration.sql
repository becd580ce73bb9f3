-- DropIndex
DROP INDEX "outbox_finished_at_idx";

-- CreateTable
CREATE TABLE "leases" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "expires_at" DATETIME NOT NULL
);

-- CreateIndex
CREATE INDEX "outbox_state_finished_at_idx" ON "outbox"("state", "finished_at");
