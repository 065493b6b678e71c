--- The options of a run with jobs, one table for all who need them: the words before FILE
--- and after it, the help texts, completion.

---@class orch.pipeline.Option
---@field flag string
---@field short string?
---@field key string where its value goes
---@field value string? what stands for its value in help; nil: it has none
---@field kind "count"|"duration"|"integer"|"name"|"names"|"file"|"choice"|"switch"
---@field choices string[]?
---@field help string

---@type orch.pipeline.Option[]
return {
  { flag = "--jobs", short = "-j", key = "jobs", value = "N", kind = "count",
    help = "Run at most N jobs at once; default: two more than processors, at least 4." },
  { flag = "--keep-going", short = "-k", key = "keep_going", kind = "switch",
    help = "After a failure, still run what does not depend on it." },
  { flag = "--dry-run", short = "-n", key = "dry_run", kind = "switch",
    help = "Print what would run, and why; run nothing." },
  { flag = "--explain", key = "explain", value = "JOB", kind = "name",
    help = "Say what has changed for JOB since it last ran; run nothing." },
  { flag = "--force", key = "force", value = "JOB", kind = "names",
    help = "Run JOB even if nothing has changed. Globs, repeatable." },
  { flag = "--only", key = "only", value = "JOB", kind = "names",
    help = "Run JOB without what it needs. Globs, repeatable." },
  { flag = "--skip", key = "skip", value = "JOB", kind = "names",
    help = "Take JOB as done. Globs, repeatable." },
  { flag = "--ui", key = "ui", value = "KIND", kind = "choice",
    choices = { "live", "plain", "github", "json", "quiet" },
    help = "How the run is shown: live, plain, github, json or quiet." },
  { flag = "--yes", short = "-y", key = "yes", kind = "switch",
    help = "Answer yes to every question." },
  { flag = "--concurrent", key = "concurrent", kind = "switch",
    help = "Run although another run works in this folder." },
  { flag = "--html", key = "html", value = "FILE", kind = "file",
    help = "Write a report of the run to FILE." },
  { flag = "--junit", key = "junit", value = "FILE", kind = "file",
    help = "Write the outcome to FILE as JUnit XML." },
  { flag = "--markdown", key = "markdown", value = "FILE", kind = "file",
    help = "Write a summary to FILE as Markdown." },
  { flag = "--timeout", key = "timeout", value = "D", kind = "duration",
    help = "Cancel the whole run after this long; exit code 5." },
  { flag = "--seed", key = "seed", value = "N", kind = "integer",
    help = "Seed for math.random and jitter; also shuffles the order in "
      .. "which ready tasks run." },
  { flag = "--grace", key = "grace", value = "D", kind = "duration",
    help = "How long clean-up may take after a cancellation; default 10s." },
  { flag = "--slow", key = "slow", value = "D", kind = "duration",
    help = "Report a task that has not waited for this long; default 1s, "
      .. "0 for never." },
  { flag = "--trace", key = "trace", kind = "switch",
    help = "Print on stderr when each task starts, waits and ends." },
  { flag = "--json", key = "json", kind = "switch",
    help = "Print the plan (with -n) or the outcome as JSON." },
  { flag = "--help", short = "-h", key = "help", kind = "switch",
    help = "Print the script's params and jobs, and these options." },
}
