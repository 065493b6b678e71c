-- Makes the input of the benchmarks below a folder, once: 50 logs of 6 MB from
-- the lines of real logs, a tree of 100,000 small files, 10,000 files of 4 KB.
-- Plain Lua (lua5.4 data.lua SEEDS FOLDER): no input depends on what is measured.
local seeds, out = ...

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  assert(pipe:close(), command)
  return list
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- Makes `name` below `out` unless an earlier run finished it.
local function once(name, make)
  local folder = out .. "/" .. name
  local stamp = io.open(folder .. ".done")
  if stamp then
    stamp:close()
    return
  end
  io.stderr:write("making ", folder, "\n")
  assert(os.execute(("rm -rf '%s' && mkdir -p '%s'"):format(folder, folder)))
  make(folder)
  write(folder .. ".done", "")
end

-- Each log is blocks of consecutive lines of real logs in a random order, so
-- that errors and warnings are as frequent, and lines as long, as in those.
once("logs", function(folder)
  local texts = {}
  for _, path in ipairs(lines_of(("find '%s' -type f | sort"):format(seeds))) do
    local file = assert(io.open(path, "rb"))
    local lines = {}
    for line in file:lines("L") do lines[#lines + 1] = line end
    file:close()
    for first = 1, #lines, 50 do
      local block = table.concat(lines, "", first, math.min(first + 49, #lines))
      texts[#texts + 1] = block:gsub("[^\n]$", "%0\n")
    end
  end
  math.randomseed(42)
  for i = 1, 50 do
    local parts, size = {}, 0
    while size < 6000000 do
      local text = texts[math.random(#texts)]
      parts[#parts + 1] = text
      size = size + #text
    end
    write(("%s/%02d.log"):format(folder, i), table.concat(parts))
  end
end)

once("files", function(folder)
  for i = 1, 10000 do
    local text = ("%05d\n"):format(i):rep(683):sub(1, 4096)
    write(("%s/%05d.txt"):format(folder, i), text)
  end
end)

once("tree", function(folder)
  local folders = {}
  for i = 0, 999 do
    folders[i] = ("%s/%d/%d/%d"):format(folder, i // 100, i // 10 % 10, i % 10)
  end
  local pipe = assert(io.popen("xargs -d '\\n' mkdir -p", "w"))
  assert(pipe:write(table.concat(folders, "\n", 0, 999)))
  assert(pipe:close())
  for i = 0, 999 do
    for j = 1, 100 do
      local path = ("%s/asset_%03d.bin"):format(folders[i], j)
      write(path, ("x"):rep((i * 7 + j * 13) % 512))
    end
  end
end)
