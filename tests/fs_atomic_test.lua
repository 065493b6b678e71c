-- Writers that are killed at any moment: the old content or the new, no mixture,
-- and what they leave behind is gone after the next write.
local fs = orch.fs

local SIZE = 3000000
local exe = fs.stat("/proc/self/exe", { follow = false }).target

local writer = [[
  local fs = orch.fs
  local dir = orch.args[1]
  local texts = { ("a"):rep(SIZE), ("b"):rep(SIZE) }
  print("ready")
  io.stdout:flush()
  for i = 1, math.huge do fs.write(dir .. "/f", texts[i % 2 + 1], { sync = i % 5 == 0 }) end
]]

describe("an atomic write", function()
  local dir
  before_each(function()
    dir = fs.temp_dir()
    fs.write(dir .. "/writer.lua", (writer:gsub("SIZE", SIZE)))
  end)

  local function others()
    local list = {}
    for _, name in ipairs(fs.list(dir)) do
      if name ~= "f" and name ~= "writer.lua" then list[#list + 1] = name end
    end
    return list
  end

  it("survives kill -9 at any moment", function()
    fs.write(dir .. "/f", ("b"):rep(SIZE))
    local seen = {}
    for round = 1, 25 do
      orch.process.run { "sh", "-c", [[
        "$0" run "$1/writer.lua" "$1" > "$1/out" & pid=$!
        until [ -s "$1/out" ]; do sleep 0.002; done
        sleep "$2"; kill -9 $pid; wait $pid 2>&1; rm "$1/out"
      ]], exe, dir, ("%.4f"):format(0.001 + math.random() * 0.02), check = false }
      local text = fs.read(dir .. "/f")
      expect(#text):equals(SIZE)
      local first = text:sub(1, 1)
      seen[first] = true
      expect(text == first:rep(SIZE)):equals(true)
      fs.write(dir .. "/next", "")
      expect(others()):equals { "next" }
      fs.remove(dir .. "/next")
      expect(round):is_a("number")
    end
    expect(next(seen)):truthy()
  end)

  it("clears away litter of dead writers only", function()
    fs.write(dir .. "/.f.orch-1-1.tmp", "left by a killed writer", { atomic = false })
    fs.write(dir .. "/.f.orch-1-2.tmp", "in use", { atomic = false })
    fs.write(dir .. "/.f.tmp", "somebody else's", { atomic = false })
    local lock <close> = fs.lock(dir .. "/.f.orch-1-2.tmp")
    local try = 0
    repeat -- a look takes at most a tenth of the time
      try = try + 1
      orch.sleep(0.002)
      fs.write(dir .. "/f", "new")
    until not fs.exists(dir .. "/.f.orch-1-1.tmp") or try == 100
    expect(others()):equals { ".f.orch-1-2.tmp", ".f.tmp" }
    expect(lock):is_a("table")
  end)

  it("is whole for readers while it happens", function()
    fs.write(dir .. "/f", ("a"):rep(200000))
    local stop = false
    local task = orch.spawn(function()
      for i = 1, 200 do
        fs.write(dir .. "/f", ((i % 2 == 0) and "a" or "b"):rep(200000), { sync = false })
      end
      stop = true
    end)
    local reads = 0
    while not stop do
      local text = fs.read(dir .. "/f")
      expect(#text):equals(200000)
      expect(text:find(text:sub(1, 1) == "a" and "b" or "a", 1, true)):is_nil()
      reads = reads + 1
    end
    task:await()
    expect(reads):greater_than(0)
  end)

  it("lets many write into one folder", function()
    local jobs = {}
    for i = 1, 300 do
      jobs[i] = function() fs.write(dir .. "/" .. i, tostring(i), { sync = false }) end
    end
    orch.gather(jobs)
    for i = 1, 300 do expect(fs.read(dir .. "/" .. i)):equals(tostring(i)) end
    expect(#fs.list(dir)):equals(301)
  end)

  it("takes the longest names", function()
    local name = dir .. "/" .. ("n"):rep(255)
    fs.write(name, "1")
    fs.write(name, "2")
    expect(fs.read(name)):equals("2")
    expect(function() fs.write(name .. "n", "") end):raises { code = "ENAMETOOLONG" }
  end)
end)
