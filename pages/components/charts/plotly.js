// What every Plotly chart of the page needs: the library, loaded once; config and theme.
export const CONFIG = {
  displaylogo: false,
  showTips: false, // boxes in colours of their own, over what stands above
  showSendToCloud: false, // on by default: it offers to upload the chart
};

// After a failure the next call tries again.
export function loadPlotly(url) {
  window.plotlyOfThisApp ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(url, document.baseURI);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.plotlyOfThisApp = undefined;
      script.remove();
      reject(new Error(`Plotly cannot be loaded from ${script.src}`));
    };
    document.head.append(script);
  });
  return window.plotlyOfThisApp;
}

// Streamlit's theme variables, by name.
export function themeOf(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--st-${name}`).trim();
}

// Streamlit's theme as a Plotly template, which gives way to what the figure sets itself.
export function themeTemplate(element) {
  const theme = themeOf(element);
  const transparent = "rgba(0,0,0,0)";
  const axis = {
    gridcolor: theme("border-color-light"),
    zerolinecolor: theme("border-color"),
    linecolor: theme("border-color"),
    automargin: true,
  };
  const font = { family: theme("font"), color: theme("text-color") };
  return {
    layout: {
      font,
      colorway: theme("chart-categorical-colors").split(","),
      paper_bgcolor: transparent,
      plot_bgcolor: transparent,
      xaxis: axis,
      yaxis: axis,
      legend: { bgcolor: transparent },
      annotationdefaults: { bgcolor: theme("background-color") }, // readable across lines
      hoverlabel: { bgcolor: theme("secondary-background-color"), font },
      modebar: { bgcolor: transparent, color: theme("gray-color"), activecolor: theme("text-color") },
      margin: { l: 48, r: 16, t: 32, b: 40 },
    },
  };
}
