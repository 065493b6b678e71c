local fs = orch.fs

local dir
before_each(function() dir = fs.temp_dir() end)

-- All changes until nothing more comes, "kind path" in one list.
local function collect(watch)
  local list = {}
  while true do
    local ok, changes = orch.move_on_after(0.2, watch.next, watch)
    if not ok then break end
    for _, change in ipairs(changes) do
      list[#list + 1] = change.kind .. " " .. change.path:sub(#dir + 2)
    end
  end
  table.sort(list)
  return list
end

describe("watch", function()
  it("tells what was made, changed and removed", function()
    fs.write(dir .. "/old", "1")
    fs.write(dir .. "/gone", "1")
    local watch <close> = fs.watch(dir)
    fs.write(dir .. "/new", "1")
    fs.append(dir .. "/old", "2")
    fs.remove(dir .. "/gone")
    expect(collect(watch)):equals { "changed old", "created new", "removed gone" }
    fs.write(dir .. "/new", "3")
    fs.move(dir .. "/new", dir .. "/newer")
    fs.write(dir .. "/brief", "")
    fs.remove(dir .. "/brief")
    expect(collect(watch)):equals { "created newer", "removed new" }
  end)

  it("sees into folders, new ones too", function()
    fs.mkdir(dir .. "/a/b")
    local watch <close> = fs.watch(dir)
    fs.write(dir .. "/a/b/f", "")
    fs.mkdir(dir .. "/c/d/e")
    fs.write(dir .. "/c/d/e/g", "")
    expect(collect(watch)):equals { "created a/b/f", "created c", "created c/d",
      "created c/d/e", "created c/d/e/g" }
    fs.write(dir .. "/c/d/e/g", "later")
    expect(collect(watch)):equals { "changed c/d/e/g" }
    fs.remove(dir .. "/c", { recursive = true })
    local list = collect(watch)
    expect(list):contains("removed c/d/e/g")
    expect(list):contains("removed c")
  end)

  it("does not follow a folder that moved away", function()
    fs.mkdir(dir .. "/in/x")
    fs.mkdir(dir .. "/out")
    local watch <close> = fs.watch(dir .. "/in")
    fs.move(dir .. "/in/x", dir .. "/out/x")
    expect(collect(watch)):equals { "removed in/x" }
    fs.write(dir .. "/out/x/f", "")
    expect(collect(watch)):equals {}
  end)

  it("watches one file, however it is written", function()
    fs.write(dir .. "/f", "1")
    local watch <close> = fs.watch(dir .. "/f")
    fs.write(dir .. "/other", "")
    fs.write(dir .. "/f", "2")
    fs.write(dir .. "/f", "3", { atomic = false })
    local list = collect(watch)
    expect(list[1]):matches(" f$")
    expect(#list):equals(1)
  end)

  it("chooses by pattern, and only one level when told to", function()
    fs.mkdir(dir .. "/tmp")
    local watch <close> = fs.watch(dir, { match = "**/*.lua", exclude = "tmp" })
    local flat <close> = fs.watch(dir, { recursive = false })
    fs.write(dir .. "/a.lua", "")
    fs.write(dir .. "/a.txt", "")
    fs.write(dir .. "/tmp/b.lua", "")
    expect(collect(watch)):equals { "created a.lua" }
    expect(collect(flat)):equals { "created a.lua", "created a.txt" }
  end)

  it("is an iterator that break closes, and gives a burst as one batch", function()
    local task = orch.spawn(function()
      orch.sleep(0.01)
      for i = 1, 50 do fs.write(dir .. "/" .. i, "", { sync = false }) end
    end)
    for changes in fs.watch(dir, { debounce = "200ms" }) do
      expect(#changes):equals(50)
      break
    end
    task:await()
  end)

  it("that is never closed is told, and so is a file that is half read", function()
    local unclosed, list = require "orch.unclosed", {}
    local watch = fs.watch(dir)
    fs.write(dir .. "/big", ("x\n"):rep(100000))
    local line = fs.lines(dir .. "/big")
    line()
    for _ in fs.lines(dir .. "/big") do break end
    orch.spawn(function() orch.sleep(0.05) fs.write(dir .. "/new", "") end)
    for _ in fs.watch(dir) do break end
    unclosed.take(list)
    expect(#list):equals(2)
    expect(list[1]):matches "the fs.lines of .*fs_watch_test.lua:%d+ was neither read to its end nor closed"
    expect(list[2]):matches "the fs.watch of .*fs_watch_test.lua:%d+ was never closed: write `local w <close> ="
    watch:close()
  end)

  it("ends when it is closed, and raises when its folder is gone", function()
    local watch = fs.watch(dir)
    local waiting = orch.spawn(watch.next, watch)
    orch.sleep(0.01)
    watch:close()
    expect(waiting:await()):is_nil()
    expect(watch:next()):is_nil()
    local _ <close> = orch.cd(dir)
    for how, leave in pairs { removed = fs.remove, ["moved away"] = function(path) fs.move(path, "v") end } do
      fs.mkdir("w")
      local gone <close> = fs.watch("w")
      leave("w")
      expect(gone:next()[1].kind):equals("removed")
      local err = expect(function() gone:next() end):raises("os")
      expect(err.message):equals("the watched folder 'w' was " .. how)
      expect(gone:next()):is_nil()
    end
  end)

  it("refuses what is missing, and can be cancelled", function()
    expect(function() fs.watch(dir .. "/none") end):raises { code = "ENOENT" }
    local _ <close> = orch.cd(dir)
    local err = expect(function() fs.watch("none") end):raises("os")
    expect(err.message):equals("cannot watch 'none': no such file or directory")
    expect(function() fs.watch(dir, { debounce = "soon" }) end):raises("usage")
    local task = orch.spawn({ hold = true }, function()
      orch.current_task():cancel("early")
      fs.watch(dir)
    end)
    expect(function() task:await() end):raises("cancelled")
    local watch <close> = fs.watch(dir)
    task = orch.spawn({ hold = true }, watch.next, watch)
    orch.sleep(0.01)
    task:cancel("in flight")
    expect(function() task:await() end):raises("cancelled")
    fs.write(dir .. "/after", "")
    expect(collect(watch)):equals { "created after" }
  end)
end)
