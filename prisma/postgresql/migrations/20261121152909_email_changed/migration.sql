-- AlterTable
ALTER TABLE "users" ADD COLUMN     "email_changed_at" TIMESTAMP(3);
