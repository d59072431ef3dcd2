# The app for any machine without a GPU: docker compose up, or docker build -t vae-playground .
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PORT=8501 \
    VAE_RUNS_DIR=/playground/runs \
    VAE_DATA_DIR=/playground/data \
    VAE_STATIC_DIR=/tmp

WORKDIR /app
COPY requirements.txt requirements-cpu.txt ./
RUN pip install --no-cache-dir -r requirements-cpu.txt
COPY .streamlit .streamlit
COPY vae vae
COPY pages pages
COPY docs/lessons docs/lessons
COPY data/mnist data/mnist
COPY LICENSE app.py ./

# Runs and data sets outlive the container, where a volume is mounted there.
RUN useradd --create-home playground \
    && mkdir -p static /playground/runs /playground/data \
    && chown -R playground /playground
# A new volume begins with the runs that come with the project; those that are deleted or changed later stay so.
COPY --chown=playground checkpoints /playground/runs
USER playground
VOLUME /playground
EXPOSE 8501

HEALTHCHECK --start-period=30s CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://localhost:{os.environ[\"PORT\"]}/_stcore/health')"]

# 0.0.0.0: a container is reached from outside.
CMD ["sh", "-c", "exec streamlit run app.py --server.address 0.0.0.0 --server.port \"$PORT\" --browser.serverAddress localhost"]
