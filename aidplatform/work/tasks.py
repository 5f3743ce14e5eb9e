"""The two tasks of the infrastructure: run a job, and look for work whose message was lost."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from aidplatform.work import heartbeat, jobs, outbox

log = structlog.get_logger(__name__)


@shared_task(name=jobs.RUN_TASK)
def run_job(job_id: int) -> None:
    """Run the job with this id if it is due; the message may come late, twice or never."""
    jobs.run(job_id)


@shared_task(name="work.sweep")
def sweep() -> None:
    """Send what was left unsent, hint again at every job that is due, forget old messages."""
    heartbeat.note_sweep()
    outbox.relay()
    for job_id in jobs.due_job_ids():
        try:
            outbox.publish(jobs.RUN_TASK, [job_id])
        except (BrokerError, RedisError, OSError) as error:
            log.warning("broker_unreachable", error=str(error))
            return
    outbox.forget_sent()
