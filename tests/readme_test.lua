-- The READMEs keep their word: their code runs, and what they show is what comes.
--
--   ```lua       is run as a script, in one temporary folder for the whole file. A block
--                that begins with `-- file: NAME` is written there as NAME; it is run
--                unless a console block does that, or it is in checks/, whose files
--                only `orch check` reads.
--   ```console   "$ command" is run by a shell, and what follows is what it prints;
--                "..." is any number of lines; numbers of milliseconds may differ.
--                "$ cd FOLDER" holds for all blocks that follow, as in a terminal.
--   Other languages (```text) are not run. `examples` and `tests/data` are there.

local fs = require "orch.fs"

local root = fs.path.absolute((debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/..")

---@return {language: string, line: integer, text: string, file: string?}[]
local function blocks_of(path)
  local blocks, block, number = {}, nil, 0
  for line in fs.lines(path) do
    number = number + 1
    local language = line:match "^```(%w*)"
    if block and language then
      block.text = table.concat(block.lines, "\n") .. "\n"
      block.file = block.text:match "^[-/*]+ file: (%S+)"
      blocks[#blocks + 1], block = block, nil
    elseif language then
      block = { language = language, line = number, lines = {} }
    elseif block then
      table.insert(block.lines, line)
    end
  end
  return blocks
end

--- A folder with `orch` in its bin/, for the shell to find.
local function make_folder()
  local dir = test.temp_dir()
  fs.mkdir(dir .. "/bin")
  fs.link(dir .. "/bin/orch", require("orch.core.runtime").executable())
  fs.mkdir(dir .. "/work/tests")
  fs.link(dir .. "/work/examples", root .. "/examples")
  fs.link(dir .. "/work/tests/data", root .. "/tests/data")
  return dir .. "/work", { PATH = dir .. "/bin:" .. os.getenv "PATH", NO_COLOR = "1" }
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n?" do lines[#lines + 1] = line end
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

--- What differs from run to run.
local function normal(line)
  return (line:gsub("seed %d+", "seed N"):gsub("%d+%.?%d* ?m?s%f[%W]", "N s")
    :gsub("%d%d:%d%d:%d%d", "HH:MM:SS"):gsub("%s+$", ""))
end

local function fits(wanted, got)
  local function from(i, j)
    if i > #wanted then return j > #got end
    if wanted[i] == "..." then
      for k = j, #got + 1 do
        if from(i + 1, k) then return true end
      end
      return false
    end
    return got[j] ~= nil and normal(got[j]) == normal(wanted[i]) and from(i + 1, j + 1)
  end
  return from(1, 1)
end

--- Returns the folder that the shell is in afterwards.
local function check_console(path, block, folder, env, wrong)
  local commands = {}
  for _, line in ipairs(block.lines) do
    local command = line:match "^%$ (.*)"
    if command then
      commands[#commands + 1] = { text = command, wanted = {} }
    else
      table.insert(commands[#commands].wanted, line)
    end
  end
  for _, command in ipairs(commands) do
    local to = command.text:match "^cd (%S+)$"
    if to then
      folder = fs.path.normalize(fs.path.join(folder, to))
      goto continue
    end
    local result = orch.process.run { "/bin/sh", "-c", command.text, cwd = folder, env = env,
      stderr = "stdout", check = false, timeout = "30s" }
    local got, wanted = lines_of(result.stdout), command.wanted
    while wanted[#wanted] == "" do wanted[#wanted] = nil end
    if not fits(wanted, got) then
      table.insert(wrong, ("%s:%d: $ %s\n%s"):format(path, block.line, command.text,
        result.stdout))
    end
    ::continue::
  end
  return folder
end

local function run_script(path, block, folder, env, name, wrong)
  local result = orch.process.run { "orch", "run", name, cwd = folder, env = env,
    check = false, timeout = "30s" }
  if result.exit_code ~= 0 or result.stderr ~= "" then
    table.insert(wrong, ("%s:%d: exit code %s\n%s"):format(path, block.line,
      result.exit_code, result.stderr))
  end
end

local function check_file(path)
  local folder, env = make_folder()
  local wrong = {}
  local blocks = blocks_of(root .. "/" .. path)
  local shown = {}
  for _, block in ipairs(blocks) do
    if block.language == "console" then shown[#shown + 1] = block.text end
  end
  shown = table.concat(shown)
  for _, block in ipairs(blocks) do
    if block.language == "lua" then
      local name = block.file or ("block-%d.lua"):format(block.line)
      fs.mkdir(fs.path.join(folder, fs.path.dirname(name)))
      fs.write(fs.path.join(folder, name), block.text, { sync = false })
      if not (block.file and (shown:find(block.file:match "[^/]*$", 1, true)
        or block.file:find "%f[%w]checks/"))
      then
        run_script(path, block, folder, env, name, wrong)
      end
    elseif block.language == "console" then
      folder = check_console(path, block, folder, env, wrong)
    end
  end
  expect(table.concat(wrong, "\n")):equals ""
  return #blocks
end

--- A copy of orch and its library in a folder, with the files that a README shows.
local function make_copy(path)
  local dir, exe = test.temp_dir(), require("orch.core.runtime").executable()
  fs.copy(root .. "/lua", dir .. "/lua")
  for _, name in ipairs(fs.glob({ "orch", "orch-*.so" }, { cwd = fs.path.dirname(exe) })) do
    fs.copy(fs.path.join(fs.path.dirname(exe), name), fs.path.join(dir, name))
  end
  for _, block in ipairs(blocks_of(root .. "/" .. path)) do
    if block.file then
      local name = fs.path.join(dir, block.file)
      fs.mkdir(fs.path.dirname(name))
      fs.write(name, block.text, { sync = false })
    end
  end
  return dir
end

local function run_copy(dir, command, file)
  local result = orch.process.run { dir .. "/orch", command, dir .. "/" .. file, cwd = dir,
    env = { ORCH_LUA = dir .. "/lua", NO_COLOR = "1" }, stderr = "stdout", check = false,
    timeout = "30s" }
  if not result.ok then expect(result.stdout):equals "exit code 0" end
  return result.stdout
end

--- The files of a folder that its README does not name.
local function unnamed(folder, patterns, names_of)
  local text, missing = fs.read(folder .. "/README.md"), {}
  for _, path in ipairs(fs.glob(patterns, { cwd = folder })) do
    local found = false
    for _, name in ipairs(names_of(path)) do
      found = found or text:find("`" .. name .. "`", 1, true) ~= nil
    end
    if not found then missing[#missing + 1] = path end
  end
  return missing
end

for _, path in ipairs { "README.md", "lua/orch/http/README.md", "lua/orch/ai/README.md",
  "lua/orch/asset/README.md", "lua/orch/deploy/README.md", "lua/orch/notify/README.md",
  "lua/orch/db/README.md" } do
  it(path, { timeout = "2m" }, function()
    expect(check_file(path)):greater_than(10)
  end)
end

it("lua/orch/archive/README.md", function() -- a short one
  expect(check_file "lua/orch/archive/README.md"):equals(4)
end)

describe("src/README.md", function()
  it("the template is a primitive", { timeout = "2m" }, function()
    local dir = make_copy "src/README.md"
    orch.process.run { "gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-Wall",
      "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes",
      "-I" .. root .. "/src", "-I/usr/include/lua5.4", "-o", dir .. "/orch-disk.so",
      dir .. "/src/disk.c" }
    expect(run_copy(dir, "test", "tests/disk_test.lua")):contains "5 passed, 0 failed"
  end)

  it("names every file", function()
    expect(unnamed(root .. "/src", "*.[ch]", function(path)
      return { path, fs.path.stem(path) }
    end)):equals {}
  end)
end)

describe("lua/README.md", function()
  it("the example is a module", { timeout = "2m" }, function()
    local dir = make_copy "lua/README.md"
    expect(run_copy(dir, "test", "tests/every_test.lua")):contains "4 passed, 0 failed"
    run_copy(dir, "run", "close.lua")
  end)

  it("names every module", function()
    expect(unnamed(root .. "/lua", "**/*.lua", function(path)
      return { (path:gsub("^orch/", ""):gsub("%.lua$", "")) }
    end)):equals {}
  end)
end)
