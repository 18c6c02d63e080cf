# syntax=docker/dockerfile:1

# One image for all four services; the command names the stage. Targets: cpu (the default) and
# gpu, which adds CUDA's libraries as wheels: the driver comes from the NVIDIA container toolkit.

ARG PYTHON_IMAGE=python:3.13-slim-trixie


FROM ${PYTHON_IMAGE} AS build
ENV PIP_CACHE_DIR=/var/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/millrace
ENV PATH=/opt/millrace/bin:${PATH}
WORKDIR /build


FROM build AS build-cpu
COPY requirements.txt ./
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --require-hashes -r requirements.txt
COPY . .
RUN pip install --no-deps --no-build-isolation .


FROM build AS build-gpu
COPY requirements-gpu.txt ./
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --require-hashes -r requirements-gpu.txt
COPY . .
RUN pip install --no-deps --no-build-isolation .


FROM ${PYTHON_IMAGE} AS runtime
# PID 1 passes signals on to the service and reaps what its children leave behind.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin millrace \
    # A fresh named volume takes its owner from here, so the user can write to it.
    && install -d -o millrace -g millrace /var/lib/millrace
ENV PATH=/opt/millrace/bin:${PATH} \
    HOME=/tmp \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    TEMP_DIR=/var/lib/millrace/temp \
    UPLOAD_PATH=/var/lib/millrace/uploads
WORKDIR /opt/millrace
VOLUME /var/lib/millrace
EXPOSE 8044 8045 8046 8047
# Without -g: a service that drains lets its encoders finish.
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["millrace", "serve", "all"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('HEALTH_PORT', 8044)), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]


FROM runtime AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
COPY --from=build-gpu /opt/millrace /opt/millrace
USER 10001:10001


FROM runtime AS cpu
COPY --from=build-cpu /opt/millrace /opt/millrace
USER 10001:10001
