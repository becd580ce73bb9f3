-- CreateIndex
CREATE INDEX "users_active_idx" ON "users"("created_at", "id") WHERE (disabled_at IS NULL AND email_confirmed_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "users_disabled_idx" ON "users"("created_at", "id") WHERE (disabled_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "users_invited_idx" ON "users"("created_at", "id") WHERE (disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "users_unconfirmed_idx" ON "users"("created_at", "id") WHERE (disabled_at IS NULL AND email_confirmed_at IS NULL AND invited_at IS NULL);

-- The beginning of an email is a range in the order of its characters, which the database's own collation may not have.
-- The models cannot have this index; SQLite needs none, since its order is that of the bytes.
CREATE INDEX "users_email_c_idx" ON "users"("email" COLLATE "C");
