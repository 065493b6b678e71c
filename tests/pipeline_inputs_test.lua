-- The files of jobs: from outside, by contents, and what changed.

local inputs = require "orch.pipeline.inputs"
local fs = orch.fs

local dir
before_each(function()
  dir = test.temp_dir()
  for _, path in ipairs { "src/a.c", "src/b.c", "src/gen/c.c", "doc/x.md" } do
    fs.mkdir(fs.path.dirname(dir .. "/" .. path))
    fs.write(dir .. "/" .. path, path, { sync = false })
  end
end)

local function look(...) return inputs.look({ ... }, dir) end
local function files(patterns, outputs)
  local one = look({ inputs = patterns, outputs = outputs or {} })[1].inputs
  return one and one.files
end

describe("inputs", function()
  it("are looked at for all jobs at once, in their order", function()
    local none = {}
    local looks = look({ inputs = { "src/*.c" }, outputs = { "doc/*" } },
      { inputs = none, outputs = none }, { inputs = none, outputs = { "src/a.c", "out" } },
      { inputs = { "doc" }, outputs = none })
    expect(#looks):equals(4)
    expect(looks[1].inputs.files):equals(2)
    expect(looks[1].outputs.files):equals(1)
    expect(looks[2]):equals {}
    expect(looks[3].inputs):is_nil()
    expect(looks[3].outputs.missing):equals { "out" }
    expect(looks[4].inputs.stamp):equals(looks[1].outputs.stamp)
    expect(looks[4].outputs):is_nil()
    expect(inputs.look({}, dir)):equals {}
  end)

  it("share lists between jobs", function()
    local list = { "src/a.c" }
    local looks = look({ inputs = list, outputs = {} }, { inputs = list, outputs = list },
      { inputs = {}, outputs = list })
    expect(looks[1].inputs.files):equals(1)
    expect(looks[1].outputs):is_nil()
    expect(looks[2].inputs.files):equals(0) -- what it writes itself
    expect(looks[2].outputs.files):equals(1)
    expect(looks[3].inputs):is_nil()
    expect(looks[3].outputs.files):equals(1)
  end)

  it("are not what the job writes itself", function()
    expect(files { "**" }):equals(4)
    expect(files({ "**" }, { "src/gen" })):equals(3)
    expect(files({ "**" }, { "src/**" })):equals(1)
    expect(files({ "**/*.c" }, { "./src/gen/" })):equals(2)
    expect(files({ "src/a.c", "src/b.c" }, { dir .. "/src/b.c" })):equals(1)
  end)

  it("are the same however they are written", function()
    local one = look({ inputs = { "src" }, outputs = {} })[1].inputs.stamp
    for _, text in ipairs { "src/", "./src", "src//", "./././src/.", "src/**", dir .. "/src",
      dir .. "//src/", "{src,nothing}", "s[r]c/**" } do
      expect(look({ inputs = { text }, outputs = {} })[1].inputs.stamp):equals(one)
    end
    for _, text in ipairs { ".", "./", dir, "**", "./**", dir .. "/**" } do
      expect(files { text }):equals(4)
    end
    expect(files { "src", "!src/gen" }):equals(2)
    expect(files { "src", "!" .. dir .. "/src/gen/" }):equals(2)
    expect(files { "src/\\a.c" }):equals(1)
    expect(files { "../" .. fs.path.basename(dir) .. "/src" }):equals(3)
  end)

  it("keep their stamp when the project is moved", function()
    local before = look({ inputs = { "**" }, outputs = {} })[1].inputs.stamp
    local moved = dir .. "-moved"
    orch.sh("cp -a ${a} ${b}", { a = dir, b = moved })
    local after = inputs.look({ { inputs = { "**" }, outputs = {} } }, moved)[1].inputs.stamp
    fs.remove(moved, { recursive = true })
    expect(after):equals(before)
  end)

  it("are those of the task's folder unless another is named", function()
    local _ <close> = orch.cd(dir)
    expect(inputs.look({ { inputs = { "src" }, outputs = {} } })[1].inputs.files):equals(3)
    expect(inputs.detail({ "src" }).files):equals(3)
  end)

  it("say which files changed", function()
    orch.sh("cd ${d} && touch -d @1000000000 src/*.c src/gen/*", { d = dir })
    local one = inputs.detail({ "src" }, nil, nil, dir)
    expect({ one.files, one.read, #one.digest }):equals { 3, 3, 16 }
    fs.write(dir .. "/src/a.c", "changed")
    fs.write(dir .. "/src/d.c", "")
    fs.remove(dir .. "/src/b.c")
    local two = inputs.detail({ "src" }, one.blob, { "src/gen" }, dir)
    expect({ two.files, two.read }):equals { 2, 2 }
    local added, removed, changed = inputs.compare(one.blob, two.blob)
    expect(added):equals { "src/d.c" }
    expect(removed):equals { "src/b.c", "src/gen/c.c" }
    expect(changed):equals { "src/a.c" }
    expect(one.stamp).never:equals(two.stamp)
    expect(two.stamp):equals(
      look({ inputs = { "src" }, outputs = { "src/gen" } })[1].inputs.stamp)
    expect(inputs.detail({}, nil, nil, dir)):equals {
      blob = "", digest = "", files = 0, read = 0, stamp = ("\0"):rep(16),
    }
  end)

  it("refuse what is no pattern", function()
    expect(function() look({ inputs = { "" }, outputs = {} }) end):raises("usage")
    expect(function() look({ inputs = { "!" }, outputs = {} }) end):raises("usage")
    expect(function() look({ inputs = { "a\0" }, outputs = {} }) end):raises("usage")
    expect(files { "!src" }):equals(0)
  end)
end)

describe("a brief look", function()
  it("is the stamp where there is nothing else to tell", function()
    orch.sleep(0.05) -- no file is young any more
    local jobs = { { inputs = { "src/a.c" }, outputs = { "gone" } } }
    local brief, whole = inputs.look(jobs, dir, true)[1], inputs.look(jobs, dir)[1]
    expect(brief.inputs):equals(whole.inputs.stamp)
    expect(inputs.stamp(brief.inputs)):equals(inputs.stamp(whole.inputs))
    expect(brief.outputs.missing):equals { "gone" }
    expect(brief.outputs.stamp):equals(whole.outputs.stamp)
  end)
end)

describe("the files of a blob", function()
  it("come with their sizes, the first of them by path, and their number", function()
    local blob = inputs.detail({ "src/**" }, nil, nil, dir).blob
    local list, count = inputs.sizes(blob, 2)
    expect(list):equals { { "src/a.c", 7 }, { "src/b.c", 7 } }
    expect(count):equals(3)
    expect(inputs.sizes("no blob", 5)):equals {}
  end)
end)
