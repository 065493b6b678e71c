-- The benchmark: `orch run scripts/bench/run.lua [FIGURE...]` from the root of
-- the repository. Runs ours and the peers in turn, after one round that does not
-- count, and prints the median of the ratios of each round.
local figures = dofile "scripts/bench/figures.lua"

-- Starts what the figure needs: its server, which prints "ready NAME=VALUE..." and
-- then answers, and a folder for large files, in memory where that is large enough.
-- Gives the values, for `$NAME` in the command lines.
local function prepare(figure)
  local values = {}
  if figure.scratch then
    local room = orch.sh("df --output=avail /dev/shm | tail -1", nil, { check = false })
    local inside = (tonumber(room.stdout) or 0) > 4 << 20 and "/dev/shm" or "build/bench"
    values.scratch = orch.fs.temp_dir { dir = inside }
  end
  if not figure.server then return nil, values end
  local server = orch.process.spawn(table.move(figure.server, 1, #figure.server, 1, {}))
  local line = server:read "line" or ""
  if not line:find "^ready " then server:wait() end
  for name, value in line:gmatch "(%w+)=(%S+)" do values[name] = value end
  return server, values
end

-- A run's value of `measure`, and its answer.
local function run(variant, figure, values)
  -- The environment of a user: the library is the one in the binary.
  local command = { "env", "-u", "ORCH_LUA", "build/bench/stopwatch" }
  for _, word in ipairs(variant) do
    command[#command + 1] = word:gsub("%$(%w+)", values)
  end
  command.timeout = "5m"
  if values.scratch then
    for _, name in ipairs(orch.fs.list(values.scratch)) do
      orch.fs.remove(values.scratch .. "/" .. name)
    end
  end
  local out = orch.process.run(command).stdout
  local value = out:match(variant.value or figure.measure .. "%s+(%S+)")
  local pattern = figure.answer
  return tonumber(value), pattern and variant.answer ~= false
    and out:match(pattern)
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  if #sorted % 2 == 1 then return sorted[middle + 1] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function human(value, measure)
  if measure == "bytes" then
    if math.abs(value) < 10000 then return ("%d B"):format(value // 1) end
    return ("%.1f KB"):format(value / 1024)
  end
  if measure == "rate" then
    if value < 1e5 then return ("%.1f k/s"):format(value / 1e3) end
    return ("%.2f M/s"):format(value / 1e6)
  end
  if value < 0.0001 then return ("%.2f us"):format(value * 1e6) end
  if value < 0.01 then return ("%.2f ms"):format(value * 1000) end
  return ("%.0f ms"):format(value * 1000)
end

local function best(values, measure)
  return measure == "rate" and math.max(table.unpack(values))
    or math.min(table.unpack(values))
end

-- "median (best)"
local function spread(values, measure)
  return ("%s (%s)"):format(human(median(values), measure),
    human(best(values, measure), measure))
end

-- How many times better than the peer's value ours is.
local function ratio(ours, theirs, measure)
  if measure == "rate" then return ours / theirs end
  return theirs / ours
end

local function row(...)
  print(("%-26s %-21s %-17s %-21s %7s  %-6s %s"):format(...))
end

local missed = 0

local function judge(value, bar, moonshot)
  if value >= bar then return moonshot and "met (moonshot)" or "met" end
  if moonshot then return "not met (moonshot)" end
  missed = missed + 1
  return "NOT MET"
end

local function rounds(figure, variants, names)
  local values = {}
  for i = 1, #variants do values[i] = {} end
  local answer
  for round = 0, figure.rounds do
    for turn = 1, #variants do
      -- Who comes first changes: what ran before leaves its mark on the caches.
      local i = (turn + round) % #variants + 1
      local variant = variants[i]
      local value, found = run(variant, figure, names)
      if not value then
        error(("%s: %s printed no '%s'"):format(figure.name,
          table.concat(variant, " ", 1, math.min(#variant, 3)), figure.measure))
      end
      if found then
        answer = answer or found
        assert(found == answer, ("%s: %s answers %s, not %s"):format(
          figure.name, table.concat(variant, " ", 1, math.min(#variant, 3)), found, answer))
      end
      if round > 0 then values[i][round] = value end
    end
  end
  return values
end

local function measure(figure)
  local unit = figure.measure
  local variants = { figure.ours }
  for i, peer in ipairs(figure.peers) do
    variants[i + 1] = table.move(peer, 2, #peer, 1,
      { answer = peer.answer, value = peer.value })
  end
  local server <close>, names = prepare(figure)
  local values = rounds(figure, variants, names)
  local title, ours = figure.title, spread(values[1], unit)
  if figure.at_most then
    local limit = figure.at_most
    row(title, ours, "the bar", human(limit, unit),
      "", "", judge(median(values[1]) <= limit and 1 or 0, 1))
    title, ours = "", ""
  end
  for i, peer in ipairs(figure.peers) do
    local ratios = {}
    for round = 1, figure.rounds do
      ratios[round] = ratio(values[1][round], values[i + 1][round], unit)
    end
    local times = median(ratios)
    local text, theirs = ("%.2fx"):format(times), spread(values[i + 1], unit)
    if not peer.bar then
      row(title, ours, peer[1], theirs, text, "", "")
    else
      row(title, ours, peer[1], theirs, text, ("%.3gx"):format(peer.bar),
        judge(times, peer.bar, peer.moonshot == true))
    end
    title, ours = "", ""
    if type(peer.moonshot) == "number" then
      row("", "", "", "", text, peer.moonshot .. "x",
        judge(times, peer.moonshot, true))
    end
  end
end

-- The first capture of `pattern` in what the command prints.
local function ask(pattern, ...)
  local result = orch.process.run { ... }
  return (result.stdout .. result.stderr):match(pattern) or "?"
end

local function print_machine()
  print(("%s x %s, Linux %s, load %s"):format(
    ask("(%d+)", "nproc"), ask("model name%s*:%s*([^\n]+)", "cat", "/proc/cpuinfo"),
    ask("%S+", "uname", "-r"), ask("%S+", "cat", "/proc/loadavg")))
  print(("python %s, node %s, ripgrep %s, lua %s, nginx %s, curl %s"):format(
    ask("%d[%d.]+", "/usr/bin/python3", "--version"),
    ask("%d[%d.]+", "/usr/bin/node", "--version"),
    ask("%d[%d.]+", "/usr/bin/rg", "--version"),
    ask("%d[%d.]+", "/usr/bin/lua5.4", "-v"),
    ask("%d[%d.]+", "/usr/sbin/nginx", "-v"),
    ask("%d[%d.]+", "/usr/bin/curl", "--version")))
  print "ratio: how many times better than the peer; values: median (best)\n"
end

local wanted = {}
for _, name in ipairs(orch.args) do wanted[name] = true end
local chosen = {}
for _, figure in ipairs(figures) do
  if #orch.args == 0 or wanted[figure.name] then
    chosen[#chosen + 1] = figure
    wanted[figure.name] = nil
  end
end
local unknown = next(wanted)
if unknown then
  local names = {}
  for i, figure in ipairs(figures) do names[i] = figure.name end
  error(("no figure '%s'; there are %s"):format(unknown,
    table.concat(names, ", ")), 0)
end

print_machine()
row("figure", "ours", "peer", "theirs", "ratio", "bar", "")
for _, figure in ipairs(chosen) do measure(figure) end
if missed > 0 then print(("\n%d not met"):format(missed)) end
