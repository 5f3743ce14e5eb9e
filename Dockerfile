# One image for web, worker, beat and the one-shot commands; which of them it is, docker-compose.yml says.
FROM python:3.12-slim

# PostgreSQL's and Redis' clients are in the wheels; nothing is installed from the system.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AID_STATE_DIR=/var/lib/aidplatform

WORKDIR /srv/aidplatform

COPY requirements.lock ./
RUN pip install --no-input --require-hashes -r requirements.lock

COPY . .
# The code belongs to root and is only read; the account owns nothing but the state. Bytecode is made here,
# because later nobody may write it.
RUN python -m compileall -q . \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/aidplatform aid \
    && install -d -o aid -g aid -m 0700 /var/lib/aidplatform

USER 10001:10001
EXPOSE 8000
VOLUME /var/lib/aidplatform
CMD ["python", "-m", "gunicorn", "aidplatform.wsgi:application", "--workers", "2", "--threads", "4", "--preload", "--bind", "0.0.0.0:8000", "--graceful-timeout", "10", "--no-control-socket"]
