"use strict";
(() => {
  const model = (name) => {
    for (const doc of window.Bokeh?.documents ?? []) {
      const found = doc.get_model_by_name(name)
      if (found) return found
    }
    return null
  }
  const models = (name) => (window.Bokeh?.documents ?? []).flatMap((doc) => [...doc._all_models.values()]
    .filter((candidate) => candidate.name === name && "visible" in candidate))
  const run = (name, value) => model(name)?.execute({ value })

  // Sliders: the range itself, its two buttons, the text of the step.
  for (const slider of document.querySelectorAll(".slider")) {
    const range = slider.querySelector("input")
    const options = JSON.parse(range.dataset.options)
    const show = () => {
      const text = options[range.valueAsNumber]
      slider.querySelector("output").textContent = text
      range.setAttribute("aria-valuetext", text)
      run(slider.dataset.script, range.valueAsNumber)
    }
    range.addEventListener("input", show)
    const play = slider.querySelector(".play")
    let timer = 0
    const pause = () => {
      clearInterval(timer)
      timer = 0
      play.setAttribute("aria-pressed", false)
    }
    play.addEventListener("click", () => {
      if (timer) return pause()
      play.setAttribute("aria-pressed", true)
      if (range.value === range.max) range.value = range.min
      timer = setInterval(() => {
        range.valueAsNumber += 1
        show()
        if (range.value === range.max) pause()
      }, 450)
    })
    for (const button of slider.querySelectorAll("[data-step]"))
      button.addEventListener("click", () => {
        range.valueAsNumber = range.valueAsNumber + Number(button.dataset.step)
        show()
      })
  }

  // Choices: the script, and the legend that goes with it.
  for (const choice of document.querySelectorAll(".choice"))
    choice.addEventListener("change", (event) => {
      const script = choice.dataset.script
      run(script, Number(event.target.value))
      for (const legend of document.querySelectorAll(`[data-legend="${script}"]`))
        legend.hidden = legend.dataset.number !== event.target.value
    })

  // Legends switch what they name.
  for (const key of document.querySelectorAll("[data-shows]"))
    key.addEventListener("click", () => {
      const visible = key.getAttribute("aria-pressed") !== "true"
      key.setAttribute("aria-pressed", visible)
      for (const found of models(key.dataset.shows)) found.visible = visible
    })

  // Tabs by pointer and arrow keys (WAI-ARIA pattern).
  for (const list of document.querySelectorAll("[role=tablist]")) {
    const tabs = [...list.querySelectorAll("[role=tab]")]
    const open = (chosen, focus) => {
      for (const tab of tabs) {
        const selected = tab === chosen
        tab.setAttribute("aria-selected", selected)
        tab.tabIndex = selected ? 0 : -1
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected
      }
      if (focus) chosen.focus()
    }
    for (const [number, tab] of tabs.entries()) {
      tab.addEventListener("click", () => open(tab, false))
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
        if (step) open(tabs[(number + step + tabs.length) % tabs.length], true)
        else if (event.key === "Home") open(tabs[0], true)
        else if (event.key === "End") open(tabs.at(-1), true)
        else return
        event.preventDefault()
      })
    }
  }

  // The data behind a plot: one block of columns a series.
  const written = (value, name) => {
    if (value == null || Number.isNaN(value)) return ""
    if (name === "day") return new Date(value).toISOString().slice(0, 10)
    return /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value)
  }
  const csv = (figure) => {
    const sources = new Set(figure.renderers.map((renderer) => renderer.data_source).filter(Boolean))
    return [...sources].map((source) => {
      const names = Object.keys(source.data)
      const columns = names.map((name) => [...source.data[name]])
      const rows = columns[0].map((_, row) => columns.map((column, at) => written(column[row], names[at])).join(","))
      return [names.join(","), ...rows].join("\n")
    }).join("\n\n") + "\n"
  }
  for (const button of document.querySelectorAll("[data-saves]"))
    button.addEventListener("click", () => {
      const link = document.createElement("a")
      link.href = URL.createObjectURL(new Blob([csv(model(`figure-${button.dataset.saves}`))], { type: "text/csv" }))
      link.download = `${button.dataset.saves}.csv`
      link.click()
      URL.revokeObjectURL(link.href)
    })

  // Where the reader is.
  const anchors = new Map([...document.querySelectorAll("nav a[href^='#']")].map((link) => [link.hash.slice(1), link]))
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue
      for (const link of anchors.values()) link.removeAttribute("aria-current")
      anchors.get(entry.target.id)?.setAttribute("aria-current", "true")
    }
  }, { rootMargin: "-20% 0px -70% 0px" })
  for (const section of document.querySelectorAll("main > section[id]")) seen.observe(section)

  // Paper shows everything: folded tables open, hidden tabs shown, pictures shrunk to the width of an A4 page.
  const paper = { column: 300, page: 640 }
  window.addEventListener("beforeprint", () => {
    for (const picture of document.querySelectorAll(".picture")) {
      const width = picture.closest(".columns") ? paper.column : paper.page
      picture.style.zoom = Math.min(1, width / picture.offsetWidth)
    }
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true
      details.dataset.unfolded = ""
    }
  })
  window.addEventListener("afterprint", () => {
    for (const picture of document.querySelectorAll(".picture")) picture.style.zoom = ""
    for (const details of document.querySelectorAll("details[data-unfolded]")) {
      details.open = false
      delete details.dataset.unfolded
    }
  })
})()
