# The image of app, worker and command line. Everything installed is locked and checked by its hash.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

RUN python -m venv /opt/build && python -m venv /opt/moothall
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
 && /opt/moothall/bin/pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
COPY migrations migrations
COPY tests/kit tests/kit
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/moothall/bin/pip install --no-deps /dist/*.whl


FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin moothall \
 && install --directory --owner=moothall --group=moothall --mode=700 /data
COPY --from=build /opt/moothall /opt/moothall
ENV PATH=/opt/moothall/bin:$PATH PYTHONUNBUFFERED=1 MOOTHALL_DATA_DIR=/data
USER moothall
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["moothall", "serve", "--host", "0.0.0.0"]
