-- CreateIndex
CREATE INDEX "users_active_idx" ON "users"("created_at", "id") WHERE disabled_at IS NULL AND email_confirmed_at IS NOT NULL;

-- CreateIndex
CREATE INDEX "users_disabled_idx" ON "users"("created_at", "id") WHERE disabled_at IS NOT NULL;

-- CreateIndex
CREATE INDEX "users_invited_idx" ON "users"("created_at", "id") WHERE disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NOT NULL;

-- CreateIndex
CREATE INDEX "users_unconfirmed_idx" ON "users"("created_at", "id") WHERE disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NULL;
