-- CreateIndex
CREATE INDEX "outbox_recipient_created_at_id_idx" ON "outbox"("recipient", "created_at", "id");
