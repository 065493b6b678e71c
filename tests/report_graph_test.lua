-- The drawing of a graph: what stands where, and that any name may be in it.

local graph = require "orch.report.graph"
local layers = require "orch.report.graph.layers"
local layout = require "orch.report.graph.layout"
local order = require "orch.report.graph.order"
local subject = require "orch.report.graph.subject"
local fs = orch.fs

local function job(name, needs, after, more)
  local one = { name = name, needs = needs or {}, after = after or {} }
  for key, value in pairs(more or {}) do one[key] = value end
  return one
end

-- A generator of its own, so that a failure can be repeated by its number.
local function random(seed)
  local state = seed * 7919 + 1
  return function(n)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return ((state >> 33) % n) + 1
  end
end

local function random_boxes(next_number, n)
  local boxes = {}
  for i = 1, n do
    boxes[i] = { width = 40 + next_number(200), height = 34 + 12 * next_number(2) }
  end
  return boxes
end

-- Edges to later vertices, or, with `cycles`, anywhere.
local function random_edges(next_number, n, count, cycles)
  local edges, seen = {}, {}
  for _ = 1, count do
    local a, b = next_number(n), next_number(n)
    if not cycles and a > b then a, b = b, a end
    if a ~= b and not seen[a .. " " .. b] then
      seen[a .. " " .. b] = true
      edges[#edges + 1] = { a, b, style = next_number(4) == 1 and "after" or "needs" }
    end
  end
  return edges
end

local function overlap(a, b)
  return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height
    and b.y < a.y + a.height
end

local function find_overlap(boxes)
  for i = 1, #boxes do
    for k = i + 1, #boxes do
      if overlap(boxes[i], boxes[k]) then return ("boxes %d and %d overlap"):format(i, k) end
    end
  end
end

-- Points along the way, as the drawing bends it.
local function points_on(way)
  local points = {}
  for i = 2, #way do
    local a, b = way[i - 1], way[i]
    local middle = (a[1] + b[1]) / 2
    for step = 0, 16 do
      local t = step / 16
      local s = 1 - t
      points[#points + 1] = {
        s ^ 3 * a[1] + 3 * s * s * t * middle + 3 * s * t * t * middle + t ^ 3 * b[1],
        s ^ 3 * a[2] + 3 * s * s * t * a[2] + 3 * s * t * t * b[2] + t ^ 3 * b[2],
      }
    end
  end
  return points
end

local function inside(point, box)
  return point[1] > box.x + 0.01 and point[1] < box.x + box.width - 0.01
    and point[2] > box.y + 0.01 and point[2] < box.y + box.height - 0.01
end

local function find_edge_through_box(drawing, edges)
  for e, way in ipairs(drawing.ways) do
    for _, point in ipairs(points_on(way)) do
      for i, box in ipairs(drawing.boxes) do
        if inside(point, box) then
          return ("the edge from %d to %d runs through box %d"):format(edges[e][1], edges[e][2], i)
        end
      end
    end
  end
end

local function find_loose_end(drawing, edges)
  for e, edge in ipairs(edges) do
    local way, from, to = drawing.ways[e], drawing.boxes[edge[1]], drawing.boxes[edge[2]]
    local first, last = way[1], way[#way]
    local forwards = first[1] == from.x + from.width and last[1] == to.x
    local backwards = first[1] == from.x and last[1] == to.x + to.width
    local middles = math.abs(first[2] - from.y - from.height / 2) < 0.01
      and math.abs(last[2] - to.y - to.height / 2) < 0.01
    if not (forwards or backwards) or not middles then return ("edge %d ends nowhere"):format(e) end
  end
end

describe("the layout", function()
  for _, case in ipairs {
    { "sparse", 25, 25 }, { "dense", 30, 110 }, { "of loose pieces", 50, 20 },
    { "with cycles", 25, 50, true },
  } do
    it(("of 30 random graphs, %s: no boxes overlap, no edge runs through one"):format(case[1]),
      function()
        for seed = 1, 30 do
          local next_number = random(seed)
          local boxes = random_boxes(next_number, case[2])
          local edges = random_edges(next_number, case[2], case[3], case[4])
          local drawing = layout.find(boxes, edges)
          local problem = find_overlap(drawing.boxes) or find_edge_through_box(drawing, edges)
            or find_loose_end(drawing, edges)
          expect(problem and ("seed %d: %s"):format(seed, problem)):is_nil()
          orch.checkpoint()
        end
      end)
  end

  it("keeps all within its size, and boxes as large as they were asked to be", function()
    local next_number = random(5)
    local boxes = random_boxes(next_number, 40)
    local drawing = layout.find(boxes, random_edges(next_number, 40, 45))
    for i, box in ipairs(drawing.boxes) do
      expect(box.x >= 0 and box.y >= 0):truthy()
      expect(box.x + box.width <= drawing.width + 0.01):truthy()
      expect(box.y + box.height <= drawing.height + 0.01):truthy()
      expect(box.width >= boxes[i].width):truthy()
      expect(box.height):equals(boxes[i].height)
    end
  end)

  it("draws what is needed further left", function()
    local next_number = random(11)
    local edges = random_edges(next_number, 30, 40)
    local drawing = layout.find(random_boxes(next_number, 30), edges)
    for _, edge in ipairs(edges) do
      local from, to = drawing.boxes[edge[1]], drawing.boxes[edge[2]]
      expect(from.x + from.width < to.x):truthy()
    end
  end)

  it("draws a chain as a straight line", function()
    local boxes, edges = {}, {}
    for i = 1, 8 do
      boxes[i] = { width = 80, height = 34 }
      if i > 1 then edges[#edges + 1] = { i - 1, i } end
    end
    local drawing = layout.find(boxes, edges)
    for i = 2, 8 do expect(drawing.boxes[i].y):equals(drawing.boxes[1].y) end
  end)

  it("puts a job in the middle of those that need it", function()
    local boxes, edges = { { width = 80, height = 34 } }, {}
    for i = 2, 6 do
      boxes[i] = { width = 80, height = 34 }
      edges[#edges + 1] = { 1, i }
    end
    local drawing = layout.find(boxes, edges)
    local ys = {}
    for i = 2, 6 do ys[i - 1] = drawing.boxes[i].y end
    table.sort(ys)
    expect(drawing.boxes[1].y):equals(ys[3])
  end)

  it("is the same each time", function()
    local function draw()
      local next_number = random(3)
      return layout.find(random_boxes(next_number, 30), random_edges(next_number, 30, 60))
    end
    expect(draw()):equals(draw())
  end)

  it("takes no jobs, one job, and a deep chain", function()
    expect(layout.find({}, {}).width):equals(0)
    expect(layout.find({ { width = 10, height = 20 } }, {}).width):equals(10)
    local boxes, edges = {}, {}
    for i = 1, 3000 do
      boxes[i] = { width = 10, height = 20 }
      if i > 1 then edges[#edges + 1] = { i - 1, i } end
    end
    expect(#layout.find(boxes, edges).ways):equals(2999)
  end)
end)

describe("layers", function()
  it("are the longest paths; long edges get a vertex in each layer", function()
    local g = layers.build(4, { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 1, 4 } })
    expect({ g.layer[1], g.layer[2], g.layer[3], g.layer[4] }):equals { 1, 2, 3, 4 }
    expect(#g.ways[4]):equals(4)
    expect(g.n - g.real):equals(2)
  end)

  it("bring a source near to what needs it", function()
    local layer = layers.depths(5, { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 5, 4 } })
    expect(layer[5]):equals(3)
  end)

  it("share the way of long edges from one job, but not solid with dashed", function()
    local edges = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 3, 5 }, { 1, 4 }, { 1, 5 } }
    local g = layers.build(5, edges)
    expect(g.n - g.real):equals(2)
    edges[5].style = "after"
    g = layers.build(5, edges)
    expect(g.n - g.real):equals(4)
  end)

  it("break a cycle at one edge, which is turned round", function()
    local g = layers.build(3, { { 1, 2 }, { 2, 3 }, { 3, 1 } })
    expect(g.reversed):equals { [3] = true }
  end)
end)

describe("the order within layers", function()
  -- What `order.crossings` counts, by looking at each pair.
  local function slow_count(g, rows)
    local position, total = {}, 0
    for _, row in ipairs(rows) do
      for i, v in ipairs(row) do position[v] = i end
    end
    for i = 1, #rows - 1 do
      local links = {}
      for _, v in ipairs(rows[i]) do
        for _, w in ipairs(g.downs[v]) do links[#links + 1] = { position[v], position[w] } end
      end
      for a = 1, #links do
        for b = a + 1, #links do
          if (links[a][1] - links[b][1]) * (links[a][2] - links[b][2]) < 0 then
            total = total + 1
          end
        end
      end
    end
    return total
  end

  it("counts crossings right", function()
    for seed = 1, 30 do
      local g = layers.build(20, random_edges(random(seed), 20, 40))
      local rows = {}
      for v = 1, g.n do
        rows[g.layer[v]] = rows[g.layer[v]] or {}
        table.insert(rows[g.layer[v]], v)
      end
      expect(order.crossings(g, rows)):equals(slow_count(g, rows))
    end
  end)

  it("untangles what can be untangled", function()
    -- Three lanes, declared so that they cross all over.
    local g = layers.build(9, { { 1, 6 }, { 2, 5 }, { 3, 4 }, { 4, 8 }, { 5, 9 }, { 6, 7 } })
    expect(order.crossings(g, order.find(g))):equals(0)
    -- A tree, its leaves in any order.
    g = layers.build(13, { { 1, 2 }, { 1, 3 }, { 1, 4 }, { 2, 13 }, { 3, 5 }, { 4, 6 }, { 2, 7 },
      { 3, 8 }, { 4, 9 }, { 2, 10 }, { 3, 11 }, { 4, 12 } })
    expect(order.crossings(g, order.find(g))):equals(0)
  end)

  it("keeps every vertex in its layer, and is never worse than where it began", function()
    for seed = 1, 20 do
      local g = layers.build(30, random_edges(random(seed), 30, 60))
      local seen, found = {}, 0
      local rows = order.find(g)
      for i, row in ipairs(rows) do
        for _, v in ipairs(row) do
          expect(g.layer[v]):equals(i)
          expect(seen[v]):is_nil()
          seen[v], found = true, found + 1
        end
      end
      expect(found):equals(g.n)
      local declared = {}
      for v = 1, g.n do
        declared[g.layer[v]] = declared[g.layer[v]] or {}
        table.insert(declared[g.layer[v]], v)
      end
      expect(order.crossings(g, rows) <= order.crossings(g, declared)):truthy()
    end
  end)
end)

describe("many jobs", function()
  local function many(n, name)
    local jobs = {}
    for i = 1, n do
      jobs[i] = job(name(i), { jobs[i - 7] and jobs[i - 7].name }, nil,
        { state = i % 50 == 0 and "failed" or "ok", elapsed = 1 })
    end
    return { order = jobs }
  end

  it("up to 150 are drawn one by one", function()
    local picture = subject.read(many(150, function(i) return ("g%d:%d"):format(i % 3, i) end))
    expect(#picture.nodes):equals(150)
    expect(picture.folded):is(false)
  end)

  it("more are put together by the prefix, with how they stand", function()
    local what = many(151, function(i) return ("g%d:%d"):format(i % 3, i) end)
    table.insert(what.order, job("notify", {}, { what.order[151].name }, { state = "pending" }))
    local picture = subject.read(what)
    expect(#picture.nodes):equals(4)
    local group = picture.nodes[1]
    expect(group.label):equals("g1:*")
    expect(#group.jobs):equals(51)
    expect(group.state):equals("failed")
    expect(group.counts):equals { ok = 50, failed = 1 }
    expect(picture.nodes[4].job.name):equals("notify")
    local kinds = {}
    for _, edge in ipairs(picture.edges) do
      kinds[edge.style] = (kinds[edge.style] or 0) + edge.count
    end
    expect(kinds.after):equals(1)
    expect(graph.svg(what)):contains(">51 jobs")
  end)

  it("without prefixes by their names without numbers", function()
    local names = { "compile-%04d", "test-%04d", "pack-%04d" }
    local picture = subject.read(many(400, function(i) return names[i % 3 + 1]:format(i) end))
    expect(#picture.nodes):equals(3)
    expect(picture.nodes[1].label):equals("test-*")
  end)

  it("are parted by their distance from the start where one or two boxes would be left", function()
    local picture = subject.read(many(280, function(i) return "job-" .. i end))
    expect(#picture.nodes):equals(40)
    for _, node in ipairs(picture.nodes) do
      expect({ node.label, #node.jobs }):equals { "job-*", 7 }
    end
    expect(graph.svg(many(280, function(i) return "job-" .. i end))).never:contains "\0"
  end)

  it("at last by how far they are from the start, whatever their names are", function()
    local picture = subject.read(many(3000, function(i)
      return ("x"):rep(i % 60) .. ("y"):rep(i // 60) .. "z"
    end))
    expect(#picture.nodes <= 61):truthy()
    local jobs = 0
    for _, node in ipairs(picture.nodes) do jobs = jobs + #node.jobs end
    expect(jobs):equals(3000)
  end)

  it("are all drawn when that is asked for", function()
    local text = graph.svg(many(1000, function(i) return "job-" .. i end), { limit = 1000 })
    local _, boxes = text:gsub('data%-job="', "")
    local _, lines = text:gsub('<path class="edge', "")
    expect({ boxes, lines }):equals { 1000, 993 }
  end)
end)

-- Names that have a meaning somewhere.
local ODD = {
  'a "quoted" name', "<b>&amp;</b>", "back\\slash\\", "new\nline", "漢字かな", "caf\xe9",
  "\27[31mred\27[0m", "tab\tand\1control", "#34; `tick` *star*", "-->", "]]>", "<!-- x",
  "a|b", "{x}", "\\N", "name with ünïcode", "end", ("long"):rep(60),
}

local function odd_subject()
  local jobs = {}
  for i, name in ipairs(ODD) do
    jobs[i] = job(name, { ODD[i - 1] }, { ODD[i - 2] }, { desc = name, where = "a.lua:1",
      state = "failed", error = { message = name, exit_code = 1 }, attempts = {} })
  end
  return { order = jobs }
end

describe("the drawing as SVG", function()
  local dir
  before_each(function() dir = test.temp_dir() end)

  it("is well-formed whatever the names are", function()
    fs.write(dir .. "/odd.svg", graph.svg(odd_subject()))
    local lint = orch.process.run { "xmllint", "--noout", dir .. "/odd.svg", check = false }
    expect(lint.stderr):equals("")
    expect(lint.exit_code):equals(0)
  end)

  it("has a box with its name, state and time for each job", function()
    local text = graph.svg { order = {
      job("fetch", nil, nil, { state = "ok", elapsed = 72.4, attempts = { {}, {} } }),
      job("build", { "fetch" }, { "unknown" }, { state = "failed", elapsed = 3,
        error = { message = "unity exited", exit_code = 1 }, where = "deploy.lua:7" }),
    } }
    expect(text):contains '<g class="job ok" id="orch-job-1" data-job="fetch" data-state="ok">'
    expect(text):contains "ok · 2 attempts · 1m 12s"
    expect(text):contains("<title>build\nfailed · 3.0s\n"
      .. "unity exited; exit code 1\ndeploy.lua:7</title>")
    expect(text):matches '<path class="edge needs" d="M[^"]+" data%-from="fetch" data%-to="build"'
  end)

  it("draws `after` dashed, and once where it is a need as well", function()
    local jobs = { job "a", job("b", {}, { "a" }), job("c", { "a" }, { "a" }) }
    local text = graph.svg { order = jobs }
    local _, all = text:gsub('<path class="edge', "")
    expect(all):equals(2)
    expect(text):matches 'class="edge after"[^>]* data%-to="b"'
    expect(text):matches 'class="edge needs"[^>]* data%-to="c"'
    expect(text):contains ".og .after{stroke-dasharray"
  end)

  it("marks the critical path", function()
    local what = { order = { job "a", job("b", { "a" }), job("c", { "a" }) } }
    local text = graph.svg(what, { critical = { "a", "c" } })
    local _, hot = text:gsub('class="edge needs hot"', "")
    expect(hot):equals(1)
    expect(text):matches 'class="job hot" id="orch%-job%-3"'
    expect(text).never:matches 'class="job hot" id="orch%-job%-2"'
  end)

  it("for a page has ids of its own and no declaration", function()
    local text = graph.svg({ order = { job "a", job("b", { "a" }) } }, { embed = true, id = "g2" })
    expect(text):matches "^<svg "
    expect(text):contains 'id="g2-job-1"'
    expect(text):contains 'marker-end="url(#g2-tip)"'
    expect(text):contains '<marker id="g2-tip"'
    expect(text).never:contains 'class="back"'
  end)

  it("has colours for light and dark", function()
    local text = graph.svg { order = { job "a" } }
    expect(text):contains "@media(prefers-color-scheme:dark)"
    expect(text):contains '[data-theme="dark"] .og'
  end)

  it("cuts long names in the middle, and tells them whole in the tooltip", function()
    local name = ("a"):rep(40) .. ("z"):rep(40)
    local text = graph.svg { order = { job(name) } }
    expect(text):contains("<title>" .. name)
    expect(text):matches ">a+…z+</text>"
  end)
end)

describe("the graph for Graphviz", function()
  it("is read by dot, with every name as it is", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/odd.dot", graph.dot(odd_subject()))
    local dot = orch.process.run { "dot", "-Tjson0", dir .. "/odd.dot", check = false }
    expect(dot.stderr):equals("")
    expect(dot.exit_code):equals(0)
    local read = orch.json.decode(dot.stdout)
    expect(#read.objects):equals(#ODD)
    expect(#read.edges):equals(2 * #ODD - 3)
    expect(read.objects[1].label):matches '^a \\?"quoted\\?" name'
  end)

  it("has edges, dashed for `after`, all jobs however many", function()
    local jobs = {}
    for i = 1, 200 do jobs[i] = job("g:" .. i, { i > 1 and "g:1" or nil }) end
    local text = graph.dot { order = jobs }
    local _, edges = text:gsub('"g:1" %-> "g:%d+";', "")
    expect(edges):equals(199)
    expect(graph.dot { order = { job "a", job("b", nil, { "a" }) } })
      :contains '"a" -> "b" [style=dashed];'
  end)
end)

describe("the graph for Mermaid", function()
  it("is this", function()
    expect(graph.mermaid { order = {
      job("a", nil, nil, { state = "ok", elapsed = 2 }), job("b", { "a" }), job("c", nil, { "a" }),
    } }):equals [[
flowchart LR
  n1("a<br/>ok, 2.0s"):::ok
  n2("b")
  n3("c")
  n1 --> n2
  n1 -.-> n3
  classDef ok stroke:#1a7f37
]]
  end)

  it("has nothing in a name that ends the name or begins something else", function()
    for line in graph.mermaid(odd_subject()):gmatch "[^\n]+" do
      local label = line:match '^  n%d+%((.*)%)[:%w]*$'
      if label then
        local inner = label:match '^"(.*)"$'
        expect(inner):is_a "string"
        inner = inner:gsub("<br/>", ""):gsub("#%d+;", "")
        expect(inner).never:matches '[#"&<>`]'
      end
    end
  end)
end)

describe("the graph as a tree", function()
  it("has what is needed below what needs it, each unfolded once", function()
    expect(graph.tree { order = {
      job("fetch", nil, nil, { desc = "The sources" }), job("build:a", { "fetch" }),
      job("build:b", { "fetch" }), job("pack", { "build:a", "build:b" }),
      job("notify", nil, { "pack" }), job("again", { "pack" }),
    } }):equals [[
notify
└─ pack (after)
   ├─ build:a
   │  └─ fetch       The sources
   └─ build:b
      └─ fetch       The sources
again
└─ pack (see above)
]]
  end)

  it("of a run has states, times and why", function()
    local what = { order = {
      job("fetch", nil, nil, { state = "ok", elapsed = 61 }),
      job("build", { "fetch" }, nil, { state = "failed", elapsed = 3.3,
        error = { message = "no licence", exit_code = 2 } }),
      job("upload", { "build" }, nil, { state = "cancelled", because = "build failed" }),
    } }
    expect(graph.tree(what, { critical = { "fetch", "build" } })):equals [[
upload         ⊘ cancelled          because build failed
└─ build    *  ✗ failed       3.3s  no licence; exit code 2
   └─ fetch *  ✓ ok         1m 01s
]]
  end)

  it("cuts what is said to the columns of the terminal", function()
    local text = graph.tree({ order = { job("a", nil, nil, { desc = ("long "):rep(40) }) } },
      { columns = 60 })
    expect(orch.tty.width((text:gsub("\n", "")))):equals(60)
  end)

  it("ends for cycles, and for deep chains", function()
    expect(graph.tree { order = { job("a", { "b" }), job("b", { "a" }) } }):equals [[
a
└─ b
   └─ a (see above)
]]
    local jobs = {}
    for i = 1, 3000 do jobs[i] = job("j" .. i, { jobs[i - 1] and jobs[i - 1].name }) end
    local _, lines = graph.tree({ order = jobs }):gsub("\n", "")
    expect(lines):equals(3000)
  end)

  it("lets nothing through that would move the cursor", function()
    local text = graph.tree(odd_subject())
    expect(text).never:matches "[\27\1\r\t]"
    expect(utf8.len(text)):is_a "number"
  end)
end)
