-- CreateTable
CREATE TABLE "notices" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "user_id" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "notice_at" DATETIME NOT NULL,
    "expires_at" DATETIME NOT NULL
);

-- CreateTable
CREATE TABLE "deleted_accounts" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "last_login_at" DATETIME,
    "secured_at" DATETIME,
    "secured_notice_at" DATETIME,
    "locale" TEXT,
    "created_at" DATETIME NOT NULL,
    "expires_at" DATETIME NOT NULL
);

-- CreateIndex
CREATE INDEX "notices_user_id_idx" ON "notices"("user_id");

-- CreateIndex
CREATE INDEX "notices_expires_at_idx" ON "notices"("expires_at");

-- CreateIndex
CREATE INDEX "deleted_accounts_expires_at_idx" ON "deleted_accounts"("expires_at");
