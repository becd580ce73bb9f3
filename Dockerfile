# The image of the service and, with other commands, of its migrations and its command line:
#   docker build -t latchkey .
#   docker run --rm -e DATABASE_URL=… latchkey node dist/bin/migrate.js
#   docker exec CONTAINER latchkey --help
#
# It runs in production mode, which demands JWT_SECRET, APP_URL, DATABASE_URL and MAIL_BACKEND=smtp with MAIL_SERVER.
# For the embedded SQLite set DATABASE_URL=file:/app/data/latchkey.db and mount a named volume at /app/data: without a
# name the volume is anonymous, and the accounts are gone with the container. Secrets may come from files
# (JWT_SECRET_FILE=/run/secrets/…).

FROM node:22-bookworm-slim AS manifest
WORKDIR /app
# .npmrc switches install scripts off, here as everywhere.
COPY package.json package-lock.json .npmrc ./

FROM manifest AS build
RUN npm ci
COPY prisma.config.ts tsconfig.json ./
COPY prisma prisma
COPY src src
COPY web web
COPY client client
COPY deploy deploy
RUN npm run build && npm run sbom

FROM manifest AS dependencies
# --legacy-peer-deps: @prisma/client names the Prisma CLI and TypeScript as optional peers, and npm would
# keep both, with 250 MB of what they need, because the lockfile has them for development. `npm ci` of npm 10,
# which this image has, keeps them all the same.
# Prisma's query compilers for every database it knows are 66 MB; dist/bin contains ours.
RUN npm ci --omit=dev --legacy-peer-deps \
  && npm prune --omit=dev --legacy-peer-deps \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' -delete

FROM node:22-bookworm-slim AS runtime
LABEL org.opencontainers.image.title=latchkey org.opencontainers.image.version=0.1.0 \
  org.opencontainers.image.description="Accounts with email and password: a JSON REST API" \
  org.opencontainers.image.licenses=MIT
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY package.json ./
COPY prisma prisma
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist/bin dist/bin
COPY --from=build /app/dist/web dist/web
# What the image is made of, for scanners: CycloneDX.
COPY --from=build /app/dist/sbom.cdx.json sbom.cdx.json
# The one place the service writes to: the SQLite file, if there is one. A volume inherits this owner.
RUN install -d -o node -g node -m 0700 data \
  && chmod +x dist/bin/latchkey.cjs && ln -s /app/dist/bin/latchkey.cjs /usr/local/bin/latchkey
VOLUME /app/data
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "--max-semi-space-size=4", "dist/bin/start.cjs"]
