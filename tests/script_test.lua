-- Whole programs: every script/*.lua is run as a process and compared with what
-- its own comments say.
--
--   -- args: a b        arguments of the script
--   -- options: --seed 5   of orch itself
--   -- stdin: text      what it reads
--   -- out: text        a line on stdout, exactly
--   -- err: text        a line on stderr, exactly; "..." is any number of lines
--   -- exit: 3          the exit code, 0 otherwise

local fs = require "orch.fs"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

local function words(text)
  local list = {}
  for word in (text or ""):gmatch("%S+") do list[#list + 1] = word end
  return list
end

local function read_wishes(source)
  local wish = { out = {}, err = {}, exit = 0 }
  for key, text in source:gmatch("%-%- (%a+): ?([^\n]*)") do
    if key == "out" or key == "err" then
      table.insert(wish[key], text)
    elseif key == "exit" then
      wish.exit = math.tointeger(tonumber(text))
    elseif key == "args" or key == "options" or key == "stdin" then
      wish[key] = text
    end
  end
  return wish
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n?") do list[#list + 1] = line end
  if list[#list] == "" then list[#list] = nil end
  return list
end

-- What differs from run to run.
local function normal(line)
  return (line:gsub("seed %d+", "seed N"):gsub("%d+ ms", "N ms"))
end

-- Wanted lines in order, with "..." for any number of lines.
local function fits(wanted, got)
  local function from(i, j)
    if i > #wanted then return j > #got end
    if wanted[i] == "..." then
      for k = j, #got + 1 do
        if from(i + 1, k) then return true end
      end
      return false
    end
    return got[j] == wanted[i] and from(i + 1, j + 1)
  end
  return from(1, 1)
end

local function run(name, wish)
  local args = words(wish.options)
  args[#args + 1] = name
  table.move(words(wish.args), 1, 99, #args + 1, args)
  return test.run(args, {
    cwd = here .. "/script", timeout = 20, stdin = wish.stdin,
    env = { NO_COLOR = "1" },
  })
end

for _, path in ipairs(fs.glob(here .. "/script/*.lua")) do
  local name = path:match("[^/]*$")
  it(name, function()
    local wish = read_wishes(fs.read(path))
    local result = run(name, wish)
    expect(result.stdout):equals(
      #wish.out > 0 and table.concat(wish.out, "\n") .. "\n" or "")
    local err = lines_of(result.stderr)
    for i, line in ipairs(err) do err[i] = normal(line) end
    if not fits(wish.err, err) then
      expect(table.concat(err, "\n")):equals(table.concat(wish.err, "\n"))
    end
    expect(result.exit_code):equals(wish.exit)
  end)
end
