-- The figures: what is run, against whom, and what is asked of it.
--
-- A variant is a command line and, in `measure`, which line of its output counts:
-- "wall" (the whole process, from the stopwatch), or what the script times
-- itself where start-up must not count: "rate" (per second), "seconds", "bytes".
-- `bar` is the ratio asked for: how many times better than the peer; a
-- `moonshot` is hoped for, not promised. `at_most` bounds our own value.
-- `answer` is a pattern that finds the result in the output, which must be the
-- same for all variants of a figure that have one; a variant's `value` finds what
-- counts where a peer has words of its own. `server` runs beside the figure, and
-- `scratch` is an empty folder: see `prepare` in run.lua.

local ORCH = os.getenv "ORCH" or "build/orch"
local PYTHON, NODE, LUA = "/usr/bin/python3", "/usr/bin/node", "/usr/bin/lua5.4"
local DATA = "build/bench/"

local function logs()
  local paths = {}
  for i = 1, 50 do paths[i] = ("%slogs/%02d.log"):format(DATA, i) end
  return table.unpack(paths)
end

local function here(path) return "scripts/bench/" .. path end

local ANSWER = "answer%s+(%S+)"

local figures = {
  {
    name = "switches", title = "task switches", measure = "rate", rounds = 5,
    ours = { ORCH, "run", here "switches/ours.lua" },
    peers = {
      { "asyncio", bar = 8, PYTHON, here "switches/py_asyncio.py" },
      { "node promises", bar = 1, moonshot = true, NODE, here "switches/node.mjs" },
    },
  },
  {
    name = "spawns", title = "spawn and join", measure = "rate", rounds = 5,
    ours = { ORCH, "run", here "spawns/ours.lua" },
    peers = {
      { "asyncio", bar = 4, PYTHON, here "spawns/py_asyncio.py" },
      { "node promises", bar = 1, moonshot = true, NODE, here "spawns/node.mjs" },
    },
  },
  {
    name = "sleepers", title = "100,000 sleep 0.1 s", measure = "seconds",
    rounds = 5,
    ours = { ORCH, "run", here "sleepers/ours.lua" },
    peers = { { "asyncio", bar = 4, PYTHON, here "sleepers/py_asyncio.py" } },
  },
  {
    name = "sleepers-memory", title = "memory of a sleeping task",
    measure = "bytes", rounds = 3, at_most = 2048,
    ours = { ORCH, "run", here "sleepers/ours.lua", "memory" },
    peers = { { "asyncio", PYTHON, here "sleepers/py_asyncio.py", "memory" } },
  },
  {
    name = "hello", title = "hello world", measure = "wall", rounds = 51,
    ours = { ORCH, "run", here "hello/hello.lua" },
    peers = {
      { "import asyncio", bar = 4, PYTHON, "-c", "import asyncio" },
      { "bare lua5.4", bar = 0.5, moonshot = true, LUA, here "hello/hello.lua" },
    },
  },
  {
    name = "files", title = "read 10,000 x 4 KB", measure = "seconds",
    rounds = 5, answer = ANSWER,
    ours = { ORCH, "run", here "files/ours.lua", DATA .. "files" },
    peers = {
      { "node fs/promises", bar = 4, NODE, here "files/node.mjs", DATA .. "files" },
      { "aiofiles", bar = 15, PYTHON, here "files/py_aiofiles.py", DATA .. "files" },
    },
  },
  {
    name = "logs", title = "count in 300 MB of logs", measure = "wall",
    rounds = 5, answer = ANSWER,
    ours = { ORCH, "run", here "logs/ours.lua", logs() },
    peers = {
      { "asyncio+aiofiles", bar = 15, PYTHON, here "logs/py_aiofiles.py", logs() },
      { "ripgrep", bar = 0.5, moonshot = 1, answer = false,
        "/usr/bin/rg", "-c", "-i", "error|warning", logs() },
    },
  },
  {
    name = "size", title = "size of 100,000 files", measure = "wall",
    rounds = 11, answer = "(%d+)",
    ours = { ORCH, "run", here "size/ours.lua", DATA .. "tree" },
    peers = { { "du -sb", bar = 1, moonshot = 2, "/usr/bin/du", "-sb", DATA .. "tree" } },
  },
  {
    name = "processes", title = "1,000 x /bin/true", measure = "wall",
    rounds = 7,
    ours = { ORCH, "run", here "processes/ours.lua" },
    peers = {
      { "xargs -P8 -n1", bar = 1,
        "/bin/sh", "-c", "seq 1000 | xargs -P8 -n1 /bin/true" },
      { "asyncio", bar = 1.2, PYTHON, here "processes/py_asyncio.py" },
      { "vfork+exec in C", bar = 0.9, moonshot = true,
        DATA .. "vfork_loop", "1000", "8", "/bin/true" },
    },
  },
}

for _, more in ipairs { "archive", "check", "db", "deploy", "gltf", "http", "images", "pipeline" } do
  local list = dofile(here(more .. "/figures.lua"))
  table.move(list, 1, #list, #figures + 1, figures)
end
return figures
