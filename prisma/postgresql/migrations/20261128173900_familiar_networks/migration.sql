-- CreateTable
CREATE TABLE "familiar_networks" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "expires_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "familiar_networks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "familiar_networks_user_id_idx" ON "familiar_networks"("user_id");

-- CreateIndex
CREATE INDEX "familiar_networks_expires_at_idx" ON "familiar_networks"("expires_at");

-- AddForeignKey
ALTER TABLE "familiar_networks" ADD CONSTRAINT "familiar_networks_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
