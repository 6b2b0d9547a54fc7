// Opens a report in Chromium as people will see it: narrow and wide, light and dark. Asks axe-core, looks for what is wider than the
// page, and takes a picture of each.
// Usage: node browser.cjs CHROMIUM REPORT FOLDER; exit code 1 when something is found.
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const axe = require.resolve("axe-core/axe.min.js");

const [chromium, report, folder] = process.argv.slice(2);

// What sticks out of the page, and is not in something that scrolls by itself.
function wide() {
    const scrolls = (element) => {
        for (let at = element; at; at = at.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
        }
        return false;
    };
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !scrolls(element))
        .map((element) => `${element.tagName.toLowerCase()}: ${element.textContent.trim().slice(0, 60)}`);
}

(async () => {
    const puppeteer = require("puppeteer-core");
    const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
    let faults = 0;
    for (const width of [400, 1400]) {
        for (const scheme of ["light", "dark"]) {
            const page = await browser.newPage();
            // A report forbids every script; axe-core is one.
            await page.setBypassCSP(true);
            await page.setViewport({ width, height: 900 });
            await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
            const asked = [];
            page.on("request", (request) => asked.push(request.url()));
            const url = pathToFileURL(path.resolve(report)).href;
            await page.goto(url);
            const found = (await page.evaluate(wide)).map((what) => `wider than the page: ${what}`);
            found.push(...asked.filter((other) => other !== url).map((other) => `loads ${other}`));
            const name = `${path.basename(report, ".html")}-${width}-${scheme}.png`;
            await page.screenshot({ path: path.join(folder, name), fullPage: true });
            await page.addScriptTag({ content: fs.readFileSync(axe, "utf8") });
            const { violations } = await page.evaluate(() => globalThis.axe.run());
            for (const violation of violations) {
                const nodes = violation.nodes.map((node) => node.html.slice(0, 120)).slice(0, 5);
                found.push(`axe ${violation.id} (${violation.impact}): ${violation.help}\n      ${nodes.join("\n      ")}`);
            }
            for (const what of found) console.error(`${width} px, ${scheme}: ${what}`);
            faults += found.length;
            await page.close();
        }
    }
    await browser.close();
    process.exit(faults ? 1 : 0);
})();
