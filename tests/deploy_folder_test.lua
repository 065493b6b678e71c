-- The files of a folder that is sent, and how far they are together.

local folder = require "orch.deploy.folder"
local fs = orch.fs

local dir
before_each(function()
  dir = test.temp_dir()
  fs.mkdir(dir .. "/web/Build")
  fs.write(dir .. "/web/Build/game.js", "12345")
  fs.write(dir .. "/web/.nojekyll", "")
  fs.write(dir .. "/web/index.html", "<p>")
end)

local function names(opts)
  local list = {}
  for i, file in ipairs(folder.open("t", dir .. "/web", opts or {})) do list[i] = file.name end
  return list
end

describe("a folder", function()
  it("has its files, hidden ones and what links lead to", function()
    fs.link(dir .. "/web/latest.js", "Build/game.js")
    fs.link(dir .. "/web/same", "Build")
    expect(names()):equals { ".nojekyll", "Build/game.js", "index.html", "latest.js",
      "same/game.js" }
    local files = folder.open("t", dir .. "/web", { include = { "**/*.js", "!same" } })
    expect({ #files, files.total, files[1].path, files[1].size })
      :equals { 2, 10, dir .. "/web/Build/game.js", 5 }
    expect(names { exclude = { "**/*.js" } }):equals { ".nojekyll", "index.html" }
    local _ <close> = orch.cd(dir)
    expect(folder.open("t", "web", {})[1].path):equals(dir .. "/web/.nojekyll")
  end)

  it("is sent without what orch remembers there", function()
    fs.mkdir(dir .. "/web/.orch/runs/1")
    fs.mkdir(dir .. "/web/Build/.orch")
    fs.write(dir .. "/web/.orch/runs/1/log", "l")
    fs.write(dir .. "/web/Build/.orch/state.db", "d")
    expect(names()):equals { ".nojekyll", "Build/game.js", "index.html" }
    expect(names { exclude = "*.html" }):equals { ".nojekyll", "Build/game.js" }
  end)

  it("that has what cannot be sent is refused, by name", function()
    fs.link(dir .. "/web/dead", "nowhere")
    expect(names):raises "dead' is no file that can be sent: it is a link to nothing"
    fs.write(dir .. "/web/caf\xe9.txt", "")
    expect(function() names { exclude = "dead" } end):raises "'caf%?.txt' is not UTF%-8"
    expect(names { exclude = { "dead", "caf*" } }):equals { ".nojekyll", "Build/game.js",
      "index.html" }
  end)

  it("tells when a file of it changes", function()
    local file = folder.open("t", dir .. "/web", {})[3]
    folder.check("t", file)
    fs.write(file.path, "<P>")
    expect(function() folder.check("t", file) end):raises { kind = "changed", path = file.path }
    fs.remove(file.path)
    expect(function() folder.check("t", file) end):raises "disappeared while the folder was sent"
  end)
end)

describe("a progress", function()
  it("is the sum of files, also when one begins again", function()
    local told = {}
    do
      local shown <close> = folder.progress("t", function(done, total)
        told[#told + 1] = ("%d/%d"):format(done, total)
      end, 10)
      local a, b = shown:file(), shown:file()
      a(4)
      b(3)
      a(0)
      a(7)
    end
    expect(told[1]):equals "4/10"
    expect(told[#told]):equals "10/10"
    told = {}
    do
      local shown <close> = folder.progress("t", function(done) told[#told + 1] = done end, 10)
      shown:file()(5)
      shown:file()(1)
    end
    expect(told[#told]):equals(6) -- what was sent when it ended
  end)
end)
