-- The command line's commands and options: one table for the hand-written
-- parser of the fast path, for the help texts and for suggestions.

---@class orch.CliOption
---@field flag string as it is typed
---@field key string where its value goes
---@field value? string what stands for its value in help; nil: it has none
---@field kind? "duration"|"integer"|"string"
---@field many? boolean may be given several times
---@field maybe? string its value may be missing, otherwise it matches this pattern
---@field help string

local options = {}

---@type orch.CliOption[]
options.run = {
  { flag = "--seed", key = "seed", value = "N", kind = "integer",
    help = "Seed for math.random and jitter; also shuffles the order in "
      .. "which ready tasks run." },
  { flag = "--grace", key = "grace", value = "D", kind = "duration",
    help = "How long clean-up may take after a cancellation; default 10s." },
  { flag = "--slow", key = "slow", value = "D", kind = "duration",
    help = "Report a task that has not waited for this long; default 1s, "
      .. "0 for never." },
  { flag = "--timeout", key = "timeout", value = "D", kind = "duration",
    help = "Cancel the whole run after this long; exit code 5." },
  { flag = "-C", key = "folder", value = "FOLDER", kind = "string",
    help = "Work in FOLDER; FILE is found from there." },
  { flag = "-e", key = "code", value = "CODE", kind = "string",
    help = "Run CODE instead of a file." },
  { flag = "--record", key = "record", value = "FILE", kind = "string",
    help = "Keep every HTTP exchange of the run in FILE." },
  { flag = "--replay", key = "replay", value = "FILE", kind = "string",
    help = "Answer HTTP requests from FILE, without a network." },
  { flag = "--tape-mode", key = "tape_mode", value = "MODE", kind = "string",
    help = "once: replay FILE if it exists, otherwise record it; none: replay only; "
      .. "new: replay what is known, record the rest; all: record anew. Default: "
      .. "all with --record, none with --replay." },
  { flag = "--replay-speed", key = "replay_speed", value = "N", kind = "string",
    help = "1 for the recorded timing, 2 for twice as fast; default 1000." },
  { flag = "--tape-unused", key = "tape_unused",
    help = "Say at the end what of FILE was not asked for." },
  { flag = "--trace", key = "trace",
    help = "Print on stderr when each task starts, waits and ends." },
}

---@type orch.CliOption[]
options.test = {
  { flag = "--filter", key = "filter", value = "PATTERN",
    help = "Run the cases whose full name contains PATTERN, or matches it as "
      .. "a Lua pattern." },
  { flag = "--seed", key = "seed", value = "N",
    help = options.run[1].help },
  { flag = "--junit", key = "junit", value = "FILE",
    help = "Write the outcome to FILE as JUnit XML." },
  { flag = "--timeout", key = "timeout", value = "D",
    help = "How long a case may take; default 60s." },
  { flag = "--list", key = "list",
    help = "Print the cases and run none." },
  { flag = "--verbose", short = "-v", key = "verbose",
    help = "Print a line for every case." },
}

---@type orch.CliOption[]
options.report = {
  { flag = "--html", key = "html", value = "FILE",
    help = "One page that needs nothing else: summary, timeline, graph, logs." },
  { flag = "--junit", key = "junit", value = "FILE",
    help = "JUnit XML, for Jenkins, GitLab and the like." },
  { flag = "--trace", key = "trace", value = "FILE",
    help = "A trace for ui.perfetto.dev and chrome://tracing." },
  { flag = "--markdown", key = "markdown", value = "FILE",
    help = "A summary for a pull request or a chat." },
  { flag = "--json", key = "json", value = "FILE",
    help = "All that is known of the run." },
}

---@type orch.CliOption[]
options.graph = {
  { flag = "--run", key = "run", value = "RUN",
    help = "The jobs of a run, and how it went, instead of a script's." },
  { flag = "--job", key = "job", value = "NAME", many = true,
    help = "Only this job, or those that match NAME, and what they need; may be repeated." },
  { flag = "--svg", key = "svg", value = "[FILE]", maybe = "%.svg$",
    help = "A drawing, into FILE (*.svg) or on standard output." },
  { flag = "--dot", key = "dot", help = "For Graphviz." },
  { flag = "--mermaid", key = "mermaid", help = "For Mermaid, in Markdown." },
  { flag = "--json", key = "json", help = "The jobs with what they need, as JSON." },
  { flag = "--critical-path", key = "critical", help = "Mark the jobs that decided when the "
    .. "run ended." },
}

local JSON = { flag = "--json", key = "json", help = "Print JSON." }

---@type orch.CliOption[]
options.history = {
  { flag = "--failed", key = "failed", help = "Only runs that failed, were interrupted or "
    .. "crashed; with --job, those in which it failed." },
  { flag = "--job", key = "job", value = "NAME", help = "Only runs with this job, and how it "
    .. "went." },
  { flag = "--limit", key = "limit", value = "N", help = "So many at most; default 20." },
  JSON,
}

---@type orch.CliOption[]
options.show = { JSON }

---@type orch.CliOption[]
options.diff = {
  { flag = "--all", key = "all", help = "All times, not the 20 that differ most." },
  JSON,
}

---@type orch.CliOption[]
options.logs = {
  { flag = "--run", key = "run", value = "RUN", help = "Of this run; default: the last." },
  { flag = "--attempt", key = "attempt", value = "N", help = "Of this attempt; default: the "
    .. "last." },
  { flag = "--follow", short = "-f", key = "follow", help = "Go on with what is printed, until "
    .. "the job, or the run, ends." },
  { flag = "--all", key = "all", help = "All attempts; without JOB, of all jobs." },
}

---@type orch.CliOption[]
options.gc = {
  { flag = "--keep", key = "keep", value = "N", help = "Keep the latest N runs." },
  { flag = "--older", key = "older", value = "D", help = "Remove only what is older than D, "
    .. "such as 30d." },
  { flag = "--dry-run", short = "-n", key = "dry_run", help = "Only say what would be removed." },
  JSON,
}

---@type orch.CliOption[]
options.list = {
  { flag = "--json", key = "json", help = "All that is declared, as JSON." },
}

---@type orch.CliOption[]
options.info = {
  { flag = "--json", key = "json", help = "The same as JSON." },
}

---@type orch.CliOption[]
options.new = {
  { flag = "--from", key = "from", value = "RULE",
    help = "check: a copy of the file of a rule that comes with orch, such as texture.size." },
}

---@type orch.CliOption[]
options.completion = {}

---@type orch.CliOption[]
options.watch = {
  { flag = "--debounce", key = "debounce", value = "D", kind = "duration",
    help = "Wait until nothing has changed for so long; default 200ms." },
  { flag = "--restart", key = "restart",
    help = "A change stops what runs and starts again; otherwise it waits for the end." },
  { flag = "--clear", key = "clear",
    help = "Clear the terminal before each run." },
}

-- A value only behind "=": the next word is a PATH.
local NOT_NEXT = "^$"

---@type orch.CliOption[]
options.check = {
  { flag = "--rules", key = "rules", value = "PATH", many = true,
    help = "Rules from this folder or file; may be repeated. Default: checks, or else the rules "
      .. "that come with orch." },
  { flag = "--rule", key = "rule", value = "ID", many = true,
    help = "Only this rule, or those that match, such as 'texture.*'; may be repeated." },
  { flag = "--changed", key = "changed", value = "[=WHAT]", maybe = NOT_NEXT,
    help = "Only files that have changed: since the last commit of git, since a branch "
      .. "(=main), or open in Perforce (=p4)." },
  { flag = "--staged", key = "staged", help = "Only files that the next commit of git changes." },
  { flag = "--fix", key = "fix", help = "Mend what can be mended safely." },
  { flag = "--unsafe", key = "unsafe",
    help = "With --fix or --diff: also what changes the work of a person." },
  { flag = "--diff", key = "diff", help = "Show what fixes would change, and change nothing." },
  { flag = "--undo", key = "undo", value = "[ID]", maybe = "^%d%d%d%d%d%d%d%d%-?%d*%-?%x*$",
    help = "Take back the last fixes, or those of ID; with --list, print which there are." },
  { flag = "--force", key = "force",
    help = "With --undo: also where a file has changed since." },
  { flag = "--fail-on", key = "fail_on", value = "LEVEL",
    help = "What gives exit code 4: error (default), warning, info or never." },
  { flag = "--baseline", key = "baseline", value = "[=FILE]", maybe = NOT_NEXT,
    help = "Findings that are known; default: checks/baseline.jsonl, if it is there." },
  { flag = "--no-baseline", key = "no_baseline", help = "All findings, known or not." },
  { flag = "--update-baseline", key = "update_baseline",
    help = "Write down what is found now as known." },
  { flag = "--explain", key = "explain", value = "RULE", help = "All about one rule." },
  { flag = "--list", key = "list", help = "Print the rules." },
  { flag = "--watch", key = "watch", help = "Check again when a file or a rule changes." },
  { flag = "--html", key = "html", value = "FILE", help = "A page with pictures." },
  { flag = "--sarif", key = "sarif", value = "FILE", help = "SARIF, for code scanning." },
  { flag = "--junit", key = "junit", value = "FILE",
    help = "JUnit XML, for Jenkins, GitLab and the like." },
  { flag = "--json", key = "json", value = "[=FILE]", maybe = NOT_NEXT,
    help = "All of it as JSON, on standard output or into FILE." },
  { flag = "--github", key = "github",
    help = "Annotations of GitHub Actions; there they come by themselves." },
  { flag = "--all", key = "all", help = "Every finding on its own, none left out." },
  { flag = "--no-cache", key = "no_cache", help = "Look at all files anew." },
  { flag = "-j", key = "jobs", value = "N", help = "So many files at once." },
  { flag = "--timeout", key = "timeout", value = "D",
    help = "Give up after this long; exit code 5." },
  { flag = "-C", key = "folder", value = "FOLDER", help = "Check the project in FOLDER." },
}

---Commands and what they do, in the order of the help text.
options.commands = {
  { "run", "Run a script; 'orch FILE' is the same." },
  { "resume", "Go on with a run of jobs that was broken off or failed." },
  { "check", "Check assets by rules, and mend them." },
  { "test", "Run test files (*_test.lua)." },
  { "watch", "Run a script's jobs, and again those that a change touches." },
  { "list", "List the jobs and params of a script." },
  { "info", "Show all about one job: what it needs, how long it took, why it would run." },
  { "graph", "Show the graph of a script's or a run's jobs." },
  { "history", "List the runs of this project." },
  { "show", "Show a run: its jobs, what they found, where the logs are." },
  { "diff", "Show what changed between two runs, and what got slower." },
  { "logs", "Print what a job printed, or follow it." },
  { "report", "Write reports of a run." },
  { "gc", "Remove old runs." },
  { "new", "Write a script, or a rule, to begin with." },
  { "completion", "Print what a shell needs to complete orch's words." },
  { "version", "Print the versions of orch and its libraries." },
  { "help", "Print this, or the help of a command." },
}

return options
