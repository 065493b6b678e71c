# The same jobs for doit; N in the environment says how many.
import os


def task_job():
    for i in range(int(os.environ["N"])):
        yield {"name": "%05d" % i, "actions": [":"]}
