# The steps are the README's: a virtual environment with the hash-locked requirements, static files, gunicorn.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements/base.txt
COPY . .
# Collecting needs settings, not secrets: these values live in this command only and open nothing.
RUN DJANGO_SETTINGS_MODULE=omnirapeutic.settings.dev SECRET_KEY=collectstatic \
    DATABASE_URL=postgresql://nobody@127.0.0.1/none STATIC_ROOT=/app/static-collected \
    /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin omnirapeutic
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=omnirapeutic.settings.production STATIC_ROOT=/app/static-collected BIND=0.0.0.0:8000
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
USER omnirapeutic
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["gunicorn", "-c", "python:omnirapeutic.gunicorn", "omnirapeutic.wsgi:application"]
